from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Lesson(_message.Message):
    __slots__ = ("account", "email_id", "junk", "modseq", "at_us", "schema_v")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    EMAIL_ID_FIELD_NUMBER: _ClassVar[int]
    JUNK_FIELD_NUMBER: _ClassVar[int]
    MODSEQ_FIELD_NUMBER: _ClassVar[int]
    AT_US_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_V_FIELD_NUMBER: _ClassVar[int]
    account: bytes
    email_id: bytes
    junk: bool
    modseq: int
    at_us: int
    schema_v: int
    def __init__(self, account: _Optional[bytes] = ..., email_id: _Optional[bytes] = ..., junk: _Optional[bool] = ..., modseq: _Optional[int] = ..., at_us: _Optional[int] = ..., schema_v: _Optional[int] = ...) -> None: ...
