from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class JournalEntry(_message.Message):
    __slots__ = ("schema_v", "modseq", "op_id", "ops")
    SCHEMA_V_FIELD_NUMBER: _ClassVar[int]
    MODSEQ_FIELD_NUMBER: _ClassVar[int]
    OP_ID_FIELD_NUMBER: _ClassVar[int]
    OPS_FIELD_NUMBER: _ClassVar[int]
    schema_v: int
    modseq: int
    op_id: bytes
    ops: _containers.RepeatedCompositeFieldContainer[JournalOp]
    def __init__(self, schema_v: _Optional[int] = ..., modseq: _Optional[int] = ..., op_id: _Optional[bytes] = ..., ops: _Optional[_Iterable[_Union[JournalOp, _Mapping]]] = ...) -> None: ...

class JournalOp(_message.Message):
    __slots__ = ("appended", "flags_set", "expunged", "copied", "created", "renamed", "deleted", "subscribed", "fence")
    APPENDED_FIELD_NUMBER: _ClassVar[int]
    FLAGS_SET_FIELD_NUMBER: _ClassVar[int]
    EXPUNGED_FIELD_NUMBER: _ClassVar[int]
    COPIED_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    RENAMED_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBED_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    appended: MessageAppended
    flags_set: FlagsSet
    expunged: MessagesExpunged
    copied: MessagesCopied
    created: MailboxCreated
    renamed: MailboxRenamed
    deleted: MailboxDeleted
    subscribed: MailboxSubscribed
    fence: Fence
    def __init__(self, appended: _Optional[_Union[MessageAppended, _Mapping]] = ..., flags_set: _Optional[_Union[FlagsSet, _Mapping]] = ..., expunged: _Optional[_Union[MessagesExpunged, _Mapping]] = ..., copied: _Optional[_Union[MessagesCopied, _Mapping]] = ..., created: _Optional[_Union[MailboxCreated, _Mapping]] = ..., renamed: _Optional[_Union[MailboxRenamed, _Mapping]] = ..., deleted: _Optional[_Union[MailboxDeleted, _Mapping]] = ..., subscribed: _Optional[_Union[MailboxSubscribed, _Mapping]] = ..., fence: _Optional[_Union[Fence, _Mapping]] = ...) -> None: ...

class UidSet(_message.Message):
    __slots__ = ("steps",)
    STEPS_FIELD_NUMBER: _ClassVar[int]
    steps: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, steps: _Optional[_Iterable[int]] = ...) -> None: ...

class FlagGroup(_message.Message):
    __slots__ = ("uids", "sys", "kw")
    UIDS_FIELD_NUMBER: _ClassVar[int]
    SYS_FIELD_NUMBER: _ClassVar[int]
    KW_FIELD_NUMBER: _ClassVar[int]
    uids: UidSet
    sys: int
    kw: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, uids: _Optional[_Union[UidSet, _Mapping]] = ..., sys: _Optional[int] = ..., kw: _Optional[_Iterable[str]] = ...) -> None: ...

class MessageAppended(_message.Message):
    __slots__ = ("mailbox", "uid", "email_id", "sys", "kw", "size", "internaldate")
    MAILBOX_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    EMAIL_ID_FIELD_NUMBER: _ClassVar[int]
    SYS_FIELD_NUMBER: _ClassVar[int]
    KW_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    INTERNALDATE_FIELD_NUMBER: _ClassVar[int]
    mailbox: int
    uid: int
    email_id: bytes
    sys: int
    kw: _containers.RepeatedScalarFieldContainer[str]
    size: int
    internaldate: int
    def __init__(self, mailbox: _Optional[int] = ..., uid: _Optional[int] = ..., email_id: _Optional[bytes] = ..., sys: _Optional[int] = ..., kw: _Optional[_Iterable[str]] = ..., size: _Optional[int] = ..., internaldate: _Optional[int] = ...) -> None: ...

class FlagsSet(_message.Message):
    __slots__ = ("mailbox", "groups")
    MAILBOX_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    mailbox: int
    groups: _containers.RepeatedCompositeFieldContainer[FlagGroup]
    def __init__(self, mailbox: _Optional[int] = ..., groups: _Optional[_Iterable[_Union[FlagGroup, _Mapping]]] = ...) -> None: ...

class MessagesExpunged(_message.Message):
    __slots__ = ("mailbox", "uids")
    MAILBOX_FIELD_NUMBER: _ClassVar[int]
    UIDS_FIELD_NUMBER: _ClassVar[int]
    mailbox: int
    uids: UidSet
    def __init__(self, mailbox: _Optional[int] = ..., uids: _Optional[_Union[UidSet, _Mapping]] = ...) -> None: ...

class MessagesCopied(_message.Message):
    __slots__ = ("source", "target", "groups", "first_uid", "move")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    FIRST_UID_FIELD_NUMBER: _ClassVar[int]
    MOVE_FIELD_NUMBER: _ClassVar[int]
    source: int
    target: int
    groups: _containers.RepeatedCompositeFieldContainer[FlagGroup]
    first_uid: int
    move: bool
    def __init__(self, source: _Optional[int] = ..., target: _Optional[int] = ..., groups: _Optional[_Iterable[_Union[FlagGroup, _Mapping]]] = ..., first_uid: _Optional[int] = ..., move: _Optional[bool] = ...) -> None: ...

class MailboxCreated(_message.Message):
    __slots__ = ("number", "mailbox_id", "name", "uidvalidity", "special_use")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    MAILBOX_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    UIDVALIDITY_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_USE_FIELD_NUMBER: _ClassVar[int]
    number: int
    mailbox_id: bytes
    name: str
    uidvalidity: int
    special_use: str
    def __init__(self, number: _Optional[int] = ..., mailbox_id: _Optional[bytes] = ..., name: _Optional[str] = ..., uidvalidity: _Optional[int] = ..., special_use: _Optional[str] = ...) -> None: ...

class MailboxRenamed(_message.Message):
    __slots__ = ("number", "name")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    number: int
    name: str
    def __init__(self, number: _Optional[int] = ..., name: _Optional[str] = ...) -> None: ...

class MailboxDeleted(_message.Message):
    __slots__ = ("number",)
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    number: int
    def __init__(self, number: _Optional[int] = ...) -> None: ...

class MailboxSubscribed(_message.Message):
    __slots__ = ("number", "subscribed")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBED_FIELD_NUMBER: _ClassVar[int]
    number: int
    subscribed: bool
    def __init__(self, number: _Optional[int] = ..., subscribed: _Optional[bool] = ...) -> None: ...

class Fence(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
