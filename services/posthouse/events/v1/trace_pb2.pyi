from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class TraceEvent(_message.Message):
    __slots__ = ("queue_id", "stage", "outcome", "at_us", "took_us", "process", "delivery_id", "account", "mailbox", "uid", "modseq", "received_us", "filtered_us", "committed_us", "reason", "schema_v", "verdict", "score", "reasons", "authentication")
    QUEUE_ID_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    AT_US_FIELD_NUMBER: _ClassVar[int]
    TOOK_US_FIELD_NUMBER: _ClassVar[int]
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    MAILBOX_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    MODSEQ_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_US_FIELD_NUMBER: _ClassVar[int]
    FILTERED_US_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_US_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_V_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    AUTHENTICATION_FIELD_NUMBER: _ClassVar[int]
    queue_id: str
    stage: str
    outcome: str
    at_us: int
    took_us: int
    process: str
    delivery_id: bytes
    account: bytes
    mailbox: str
    uid: int
    modseq: int
    received_us: int
    filtered_us: int
    committed_us: int
    reason: str
    schema_v: int
    verdict: str
    score: float
    reasons: _containers.RepeatedScalarFieldContainer[str]
    authentication: str
    def __init__(self, queue_id: _Optional[str] = ..., stage: _Optional[str] = ..., outcome: _Optional[str] = ..., at_us: _Optional[int] = ..., took_us: _Optional[int] = ..., process: _Optional[str] = ..., delivery_id: _Optional[bytes] = ..., account: _Optional[bytes] = ..., mailbox: _Optional[str] = ..., uid: _Optional[int] = ..., modseq: _Optional[int] = ..., received_us: _Optional[int] = ..., filtered_us: _Optional[int] = ..., committed_us: _Optional[int] = ..., reason: _Optional[str] = ..., schema_v: _Optional[int] = ..., verdict: _Optional[str] = ..., score: _Optional[float] = ..., reasons: _Optional[_Iterable[str]] = ..., authentication: _Optional[str] = ...) -> None: ...
