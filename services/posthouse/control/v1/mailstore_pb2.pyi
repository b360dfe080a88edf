from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Error(_message.Message):
    __slots__ = ("kind", "public", "reason", "code", "enhanced", "retryable", "retry_after_ms")
    KIND_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    ENHANCED_FIELD_NUMBER: _ClassVar[int]
    RETRYABLE_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    public: str
    reason: str
    code: int
    enhanced: str
    retryable: bool
    retry_after_ms: int
    def __init__(self, kind: _Optional[str] = ..., public: _Optional[str] = ..., reason: _Optional[str] = ..., code: _Optional[int] = ..., enhanced: _Optional[str] = ..., retryable: _Optional[bool] = ..., retry_after_ms: _Optional[int] = ...) -> None: ...

class CommitCall(_message.Message):
    __slots__ = ("id", "deadline_ms", "account", "commit", "create", "delete")
    ID_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_MS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    COMMIT_FIELD_NUMBER: _ClassVar[int]
    CREATE_FIELD_NUMBER: _ClassVar[int]
    DELETE_FIELD_NUMBER: _ClassVar[int]
    id: int
    deadline_ms: int
    account: bytes
    commit: CommitRequest
    create: CreateAccount
    delete: DeleteAccount
    def __init__(self, id: _Optional[int] = ..., deadline_ms: _Optional[int] = ..., account: _Optional[bytes] = ..., commit: _Optional[_Union[CommitRequest, _Mapping]] = ..., create: _Optional[_Union[CreateAccount, _Mapping]] = ..., delete: _Optional[_Union[DeleteAccount, _Mapping]] = ...) -> None: ...

class CommitReply(_message.Message):
    __slots__ = ("id", "error", "committed", "duplicate", "done")
    ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    id: int
    error: Error
    committed: Committed
    duplicate: Duplicate
    done: Done
    def __init__(self, id: _Optional[int] = ..., error: _Optional[_Union[Error, _Mapping]] = ..., committed: _Optional[_Union[Committed, _Mapping]] = ..., duplicate: _Optional[_Union[Duplicate, _Mapping]] = ..., done: _Optional[_Union[Done, _Mapping]] = ...) -> None: ...

class Done(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CreateAccount(_message.Message):
    __slots__ = ("mailboxes",)
    MAILBOXES_FIELD_NUMBER: _ClassVar[int]
    mailboxes: _containers.RepeatedCompositeFieldContainer[NewMailbox]
    def __init__(self, mailboxes: _Optional[_Iterable[_Union[NewMailbox, _Mapping]]] = ...) -> None: ...

class NewMailbox(_message.Message):
    __slots__ = ("name", "special_use", "mailbox_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_USE_FIELD_NUMBER: _ClassVar[int]
    MAILBOX_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    special_use: str
    mailbox_id: bytes
    def __init__(self, name: _Optional[str] = ..., special_use: _Optional[str] = ..., mailbox_id: _Optional[bytes] = ...) -> None: ...

class DeleteAccount(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CommitRequest(_message.Message):
    __slots__ = ("op_id", "changes", "quota_bytes", "quota_msgs", "quota_percent", "dedup_ttl")
    OP_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    QUOTA_BYTES_FIELD_NUMBER: _ClassVar[int]
    QUOTA_MSGS_FIELD_NUMBER: _ClassVar[int]
    QUOTA_PERCENT_FIELD_NUMBER: _ClassVar[int]
    DEDUP_TTL_FIELD_NUMBER: _ClassVar[int]
    op_id: bytes
    changes: _containers.RepeatedCompositeFieldContainer[Change]
    quota_bytes: int
    quota_msgs: int
    quota_percent: int
    dedup_ttl: int
    def __init__(self, op_id: _Optional[bytes] = ..., changes: _Optional[_Iterable[_Union[Change, _Mapping]]] = ..., quota_bytes: _Optional[int] = ..., quota_msgs: _Optional[int] = ..., quota_percent: _Optional[int] = ..., dedup_ttl: _Optional[int] = ...) -> None: ...

class Flags(_message.Message):
    __slots__ = ("sys", "kw")
    SYS_FIELD_NUMBER: _ClassVar[int]
    KW_FIELD_NUMBER: _ClassVar[int]
    sys: int
    kw: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, sys: _Optional[int] = ..., kw: _Optional[_Iterable[str]] = ...) -> None: ...

class BlobRef(_message.Message):
    __slots__ = ("blob_id", "tenant", "size")
    BLOB_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    blob_id: bytes
    tenant: str
    size: int
    def __init__(self, blob_id: _Optional[bytes] = ..., tenant: _Optional[str] = ..., size: _Optional[int] = ...) -> None: ...

class NewEmail(_message.Message):
    __slots__ = ("email_id", "size", "prefix", "prepared", "internaldate", "octets", "blob", "queue_id")
    EMAIL_ID_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    PREPARED_FIELD_NUMBER: _ClassVar[int]
    INTERNALDATE_FIELD_NUMBER: _ClassVar[int]
    OCTETS_FIELD_NUMBER: _ClassVar[int]
    BLOB_FIELD_NUMBER: _ClassVar[int]
    QUEUE_ID_FIELD_NUMBER: _ClassVar[int]
    email_id: bytes
    size: int
    prefix: bytes
    prepared: bytes
    internaldate: int
    octets: bytes
    blob: BlobRef
    queue_id: str
    def __init__(self, email_id: _Optional[bytes] = ..., size: _Optional[int] = ..., prefix: _Optional[bytes] = ..., prepared: _Optional[bytes] = ..., internaldate: _Optional[int] = ..., octets: _Optional[bytes] = ..., blob: _Optional[_Union[BlobRef, _Mapping]] = ..., queue_id: _Optional[str] = ...) -> None: ...

class Change(_message.Message):
    __slots__ = ("append", "store_flags", "expunge", "copy", "create", "rename", "delete", "subscribe", "noop")
    APPEND_FIELD_NUMBER: _ClassVar[int]
    STORE_FLAGS_FIELD_NUMBER: _ClassVar[int]
    EXPUNGE_FIELD_NUMBER: _ClassVar[int]
    COPY_FIELD_NUMBER: _ClassVar[int]
    CREATE_FIELD_NUMBER: _ClassVar[int]
    RENAME_FIELD_NUMBER: _ClassVar[int]
    DELETE_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBE_FIELD_NUMBER: _ClassVar[int]
    NOOP_FIELD_NUMBER: _ClassVar[int]
    append: Append
    store_flags: StoreFlags
    expunge: Expunge
    copy: Copy
    create: CreateMailbox
    rename: RenameMailbox
    delete: DeleteMailbox
    subscribe: SubscribeMailbox
    noop: Noop
    def __init__(self, append: _Optional[_Union[Append, _Mapping]] = ..., store_flags: _Optional[_Union[StoreFlags, _Mapping]] = ..., expunge: _Optional[_Union[Expunge, _Mapping]] = ..., copy: _Optional[_Union[Copy, _Mapping]] = ..., create: _Optional[_Union[CreateMailbox, _Mapping]] = ..., rename: _Optional[_Union[RenameMailbox, _Mapping]] = ..., delete: _Optional[_Union[DeleteMailbox, _Mapping]] = ..., subscribe: _Optional[_Union[SubscribeMailbox, _Mapping]] = ..., noop: _Optional[_Union[Noop, _Mapping]] = ...) -> None: ...

class Append(_message.Message):
    __slots__ = ("mailbox", "email", "flags", "create")
    MAILBOX_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    CREATE_FIELD_NUMBER: _ClassVar[int]
    mailbox: str
    email: NewEmail
    flags: Flags
    create: bool
    def __init__(self, mailbox: _Optional[str] = ..., email: _Optional[_Union[NewEmail, _Mapping]] = ..., flags: _Optional[_Union[Flags, _Mapping]] = ..., create: _Optional[bool] = ...) -> None: ...

class StoreFlags(_message.Message):
    __slots__ = ("mailbox", "uids", "mode", "flags", "unchanged_since")
    MAILBOX_FIELD_NUMBER: _ClassVar[int]
    UIDS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_SINCE_FIELD_NUMBER: _ClassVar[int]
    mailbox: int
    uids: _containers.RepeatedScalarFieldContainer[int]
    mode: str
    flags: Flags
    unchanged_since: int
    def __init__(self, mailbox: _Optional[int] = ..., uids: _Optional[_Iterable[int]] = ..., mode: _Optional[str] = ..., flags: _Optional[_Union[Flags, _Mapping]] = ..., unchanged_since: _Optional[int] = ...) -> None: ...

class Uids(_message.Message):
    __slots__ = ("uids",)
    UIDS_FIELD_NUMBER: _ClassVar[int]
    uids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, uids: _Optional[_Iterable[int]] = ...) -> None: ...

class Expunge(_message.Message):
    __slots__ = ("mailbox", "uids", "force")
    MAILBOX_FIELD_NUMBER: _ClassVar[int]
    UIDS_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    mailbox: int
    uids: Uids
    force: bool
    def __init__(self, mailbox: _Optional[int] = ..., uids: _Optional[_Union[Uids, _Mapping]] = ..., force: _Optional[bool] = ...) -> None: ...

class Copy(_message.Message):
    __slots__ = ("source", "uids", "target", "move")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    UIDS_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    MOVE_FIELD_NUMBER: _ClassVar[int]
    source: int
    uids: _containers.RepeatedScalarFieldContainer[int]
    target: str
    move: bool
    def __init__(self, source: _Optional[int] = ..., uids: _Optional[_Iterable[int]] = ..., target: _Optional[str] = ..., move: _Optional[bool] = ...) -> None: ...

class CreateMailbox(_message.Message):
    __slots__ = ("name", "mailbox_id", "special_use")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MAILBOX_ID_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_USE_FIELD_NUMBER: _ClassVar[int]
    name: str
    mailbox_id: bytes
    special_use: str
    def __init__(self, name: _Optional[str] = ..., mailbox_id: _Optional[bytes] = ..., special_use: _Optional[str] = ...) -> None: ...

class RenameMailbox(_message.Message):
    __slots__ = ("name", "new_name", "mailbox_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NEW_NAME_FIELD_NUMBER: _ClassVar[int]
    MAILBOX_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    new_name: str
    mailbox_id: bytes
    def __init__(self, name: _Optional[str] = ..., new_name: _Optional[str] = ..., mailbox_id: _Optional[bytes] = ...) -> None: ...

class DeleteMailbox(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class SubscribeMailbox(_message.Message):
    __slots__ = ("name", "subscribed")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBED_FIELD_NUMBER: _ClassVar[int]
    name: str
    subscribed: bool
    def __init__(self, name: _Optional[str] = ..., subscribed: _Optional[bool] = ...) -> None: ...

class Noop(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Committed(_message.Message):
    __slots__ = ("modseq", "effects")
    MODSEQ_FIELD_NUMBER: _ClassVar[int]
    EFFECTS_FIELD_NUMBER: _ClassVar[int]
    modseq: int
    effects: _containers.RepeatedCompositeFieldContainer[Effect]
    def __init__(self, modseq: _Optional[int] = ..., effects: _Optional[_Iterable[_Union[Effect, _Mapping]]] = ...) -> None: ...

class Duplicate(_message.Message):
    __slots__ = ("modseq", "appended")
    MODSEQ_FIELD_NUMBER: _ClassVar[int]
    APPENDED_FIELD_NUMBER: _ClassVar[int]
    modseq: int
    appended: _containers.RepeatedCompositeFieldContainer[Appended]
    def __init__(self, modseq: _Optional[int] = ..., appended: _Optional[_Iterable[_Union[Appended, _Mapping]]] = ...) -> None: ...

class Effect(_message.Message):
    __slots__ = ("appended", "flags_stored", "expunged", "copied", "mailbox_changed")
    APPENDED_FIELD_NUMBER: _ClassVar[int]
    FLAGS_STORED_FIELD_NUMBER: _ClassVar[int]
    EXPUNGED_FIELD_NUMBER: _ClassVar[int]
    COPIED_FIELD_NUMBER: _ClassVar[int]
    MAILBOX_CHANGED_FIELD_NUMBER: _ClassVar[int]
    appended: Appended
    flags_stored: FlagsStored
    expunged: Uids
    copied: Copied
    mailbox_changed: MailboxChanged
    def __init__(self, appended: _Optional[_Union[Appended, _Mapping]] = ..., flags_stored: _Optional[_Union[FlagsStored, _Mapping]] = ..., expunged: _Optional[_Union[Uids, _Mapping]] = ..., copied: _Optional[_Union[Copied, _Mapping]] = ..., mailbox_changed: _Optional[_Union[MailboxChanged, _Mapping]] = ...) -> None: ...

class Appended(_message.Message):
    __slots__ = ("mailbox", "mailbox_name", "uidvalidity", "uid")
    MAILBOX_FIELD_NUMBER: _ClassVar[int]
    MAILBOX_NAME_FIELD_NUMBER: _ClassVar[int]
    UIDVALIDITY_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    mailbox: int
    mailbox_name: str
    uidvalidity: int
    uid: int
    def __init__(self, mailbox: _Optional[int] = ..., mailbox_name: _Optional[str] = ..., uidvalidity: _Optional[int] = ..., uid: _Optional[int] = ...) -> None: ...

class FlagsStored(_message.Message):
    __slots__ = ("changed", "modified")
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    MODIFIED_FIELD_NUMBER: _ClassVar[int]
    changed: _containers.RepeatedScalarFieldContainer[int]
    modified: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, changed: _Optional[_Iterable[int]] = ..., modified: _Optional[_Iterable[int]] = ...) -> None: ...

class Copied(_message.Message):
    __slots__ = ("uidvalidity", "target", "source_uids", "target_uids")
    UIDVALIDITY_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    SOURCE_UIDS_FIELD_NUMBER: _ClassVar[int]
    TARGET_UIDS_FIELD_NUMBER: _ClassVar[int]
    uidvalidity: int
    target: int
    source_uids: _containers.RepeatedScalarFieldContainer[int]
    target_uids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, uidvalidity: _Optional[int] = ..., target: _Optional[int] = ..., source_uids: _Optional[_Iterable[int]] = ..., target_uids: _Optional[_Iterable[int]] = ...) -> None: ...

class MailboxChanged(_message.Message):
    __slots__ = ("number", "mailbox_id")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    MAILBOX_ID_FIELD_NUMBER: _ClassVar[int]
    number: int
    mailbox_id: bytes
    def __init__(self, number: _Optional[int] = ..., mailbox_id: _Optional[bytes] = ...) -> None: ...

class ReadCall(_message.Message):
    __slots__ = ("id", "deadline_ms", "account", "view", "contents", "journal", "vanished", "emails", "envelopes", "octets", "evidence", "recount")
    ID_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_MS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    CONTENTS_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_FIELD_NUMBER: _ClassVar[int]
    VANISHED_FIELD_NUMBER: _ClassVar[int]
    EMAILS_FIELD_NUMBER: _ClassVar[int]
    ENVELOPES_FIELD_NUMBER: _ClassVar[int]
    OCTETS_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    RECOUNT_FIELD_NUMBER: _ClassVar[int]
    id: int
    deadline_ms: int
    account: bytes
    view: View
    contents: Contents
    journal: Journal
    vanished: VanishedSince
    emails: EmailIds
    envelopes: EmailIds
    octets: EmailIds
    evidence: OpIds
    recount: Recount
    def __init__(self, id: _Optional[int] = ..., deadline_ms: _Optional[int] = ..., account: _Optional[bytes] = ..., view: _Optional[_Union[View, _Mapping]] = ..., contents: _Optional[_Union[Contents, _Mapping]] = ..., journal: _Optional[_Union[Journal, _Mapping]] = ..., vanished: _Optional[_Union[VanishedSince, _Mapping]] = ..., emails: _Optional[_Union[EmailIds, _Mapping]] = ..., envelopes: _Optional[_Union[EmailIds, _Mapping]] = ..., octets: _Optional[_Union[EmailIds, _Mapping]] = ..., evidence: _Optional[_Union[OpIds, _Mapping]] = ..., recount: _Optional[_Union[Recount, _Mapping]] = ...) -> None: ...

class View(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Contents(_message.Message):
    __slots__ = ("mailbox",)
    MAILBOX_FIELD_NUMBER: _ClassVar[int]
    mailbox: int
    def __init__(self, mailbox: _Optional[int] = ...) -> None: ...

class Journal(_message.Message):
    __slots__ = ("since",)
    SINCE_FIELD_NUMBER: _ClassVar[int]
    since: int
    def __init__(self, since: _Optional[int] = ...) -> None: ...

class VanishedSince(_message.Message):
    __slots__ = ("mailbox", "since")
    MAILBOX_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    mailbox: int
    since: int
    def __init__(self, mailbox: _Optional[int] = ..., since: _Optional[int] = ...) -> None: ...

class EmailIds(_message.Message):
    __slots__ = ("ids",)
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: bytes
    def __init__(self, ids: _Optional[bytes] = ...) -> None: ...

class OpIds(_message.Message):
    __slots__ = ("ids",)
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: bytes
    def __init__(self, ids: _Optional[bytes] = ...) -> None: ...

class Recount(_message.Message):
    __slots__ = ("repair",)
    REPAIR_FIELD_NUMBER: _ClassVar[int]
    repair: bool
    def __init__(self, repair: _Optional[bool] = ...) -> None: ...

class ReadReply(_message.Message):
    __slots__ = ("id", "error", "view", "contents", "journal", "vanished", "emails", "envelopes", "octets", "evidence", "recount")
    ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    CONTENTS_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_FIELD_NUMBER: _ClassVar[int]
    VANISHED_FIELD_NUMBER: _ClassVar[int]
    EMAILS_FIELD_NUMBER: _ClassVar[int]
    ENVELOPES_FIELD_NUMBER: _ClassVar[int]
    OCTETS_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    RECOUNT_FIELD_NUMBER: _ClassVar[int]
    id: int
    error: Error
    view: AccountView
    contents: MailboxContents
    journal: JournalTail
    vanished: Vanished
    emails: StoredEmails
    envelopes: Envelopes
    octets: MaybeOctets
    evidence: Evidence
    recount: Lines
    def __init__(self, id: _Optional[int] = ..., error: _Optional[_Union[Error, _Mapping]] = ..., view: _Optional[_Union[AccountView, _Mapping]] = ..., contents: _Optional[_Union[MailboxContents, _Mapping]] = ..., journal: _Optional[_Union[JournalTail, _Mapping]] = ..., vanished: _Optional[_Union[Vanished, _Mapping]] = ..., emails: _Optional[_Union[StoredEmails, _Mapping]] = ..., envelopes: _Optional[_Union[Envelopes, _Mapping]] = ..., octets: _Optional[_Union[MaybeOctets, _Mapping]] = ..., evidence: _Optional[_Union[Evidence, _Mapping]] = ..., recount: _Optional[_Union[Lines, _Mapping]] = ...) -> None: ...

class Mailbox(_message.Message):
    __slots__ = ("number", "mailbox_id", "name", "uidvalidity", "uidnext", "highest_modseq", "total", "unseen", "size", "checksum", "vanished_floor", "subscribed", "special_use")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    MAILBOX_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    UIDVALIDITY_FIELD_NUMBER: _ClassVar[int]
    UIDNEXT_FIELD_NUMBER: _ClassVar[int]
    HIGHEST_MODSEQ_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    UNSEEN_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    VANISHED_FLOOR_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBED_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_USE_FIELD_NUMBER: _ClassVar[int]
    number: int
    mailbox_id: bytes
    name: str
    uidvalidity: int
    uidnext: int
    highest_modseq: int
    total: int
    unseen: int
    size: int
    checksum: int
    vanished_floor: int
    subscribed: bool
    special_use: str
    def __init__(self, number: _Optional[int] = ..., mailbox_id: _Optional[bytes] = ..., name: _Optional[str] = ..., uidvalidity: _Optional[int] = ..., uidnext: _Optional[int] = ..., highest_modseq: _Optional[int] = ..., total: _Optional[int] = ..., unseen: _Optional[int] = ..., size: _Optional[int] = ..., checksum: _Optional[int] = ..., vanished_floor: _Optional[int] = ..., subscribed: _Optional[bool] = ..., special_use: _Optional[str] = ...) -> None: ...

class AccountView(_message.Message):
    __slots__ = ("modseq", "used_bytes", "used_msgs", "incarnation", "deleted", "mailboxes")
    MODSEQ_FIELD_NUMBER: _ClassVar[int]
    USED_BYTES_FIELD_NUMBER: _ClassVar[int]
    USED_MSGS_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    MAILBOXES_FIELD_NUMBER: _ClassVar[int]
    modseq: int
    used_bytes: int
    used_msgs: int
    incarnation: int
    deleted: bool
    mailboxes: _containers.RepeatedCompositeFieldContainer[Mailbox]
    def __init__(self, modseq: _Optional[int] = ..., used_bytes: _Optional[int] = ..., used_msgs: _Optional[int] = ..., incarnation: _Optional[int] = ..., deleted: _Optional[bool] = ..., mailboxes: _Optional[_Iterable[_Union[Mailbox, _Mapping]]] = ...) -> None: ...

class MailboxContents(_message.Message):
    __slots__ = ("mailbox", "modseq", "uids", "sys", "keyword_rows", "keywords", "modseqs", "sizes", "internaldates", "email_ids")
    MAILBOX_FIELD_NUMBER: _ClassVar[int]
    MODSEQ_FIELD_NUMBER: _ClassVar[int]
    UIDS_FIELD_NUMBER: _ClassVar[int]
    SYS_FIELD_NUMBER: _ClassVar[int]
    KEYWORD_ROWS_FIELD_NUMBER: _ClassVar[int]
    KEYWORDS_FIELD_NUMBER: _ClassVar[int]
    MODSEQS_FIELD_NUMBER: _ClassVar[int]
    SIZES_FIELD_NUMBER: _ClassVar[int]
    INTERNALDATES_FIELD_NUMBER: _ClassVar[int]
    EMAIL_IDS_FIELD_NUMBER: _ClassVar[int]
    mailbox: Mailbox
    modseq: int
    uids: bytes
    sys: bytes
    keyword_rows: _containers.RepeatedScalarFieldContainer[int]
    keywords: _containers.RepeatedScalarFieldContainer[str]
    modseqs: bytes
    sizes: bytes
    internaldates: bytes
    email_ids: bytes
    def __init__(self, mailbox: _Optional[_Union[Mailbox, _Mapping]] = ..., modseq: _Optional[int] = ..., uids: _Optional[bytes] = ..., sys: _Optional[bytes] = ..., keyword_rows: _Optional[_Iterable[int]] = ..., keywords: _Optional[_Iterable[str]] = ..., modseqs: _Optional[bytes] = ..., sizes: _Optional[bytes] = ..., internaldates: _Optional[bytes] = ..., email_ids: _Optional[bytes] = ...) -> None: ...

class JournalTail(_message.Message):
    __slots__ = ("trimmed", "entries")
    TRIMMED_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    trimmed: bool
    entries: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, trimmed: _Optional[bool] = ..., entries: _Optional[_Iterable[bytes]] = ...) -> None: ...

class Vanished(_message.Message):
    __slots__ = ("uids", "complete")
    UIDS_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    uids: _containers.RepeatedScalarFieldContainer[int]
    complete: bool
    def __init__(self, uids: _Optional[_Iterable[int]] = ..., complete: _Optional[bool] = ...) -> None: ...

class StoredEmail(_message.Message):
    __slots__ = ("found", "email_id", "size", "prefix", "prepared", "internaldate", "blob", "queue_id")
    FOUND_FIELD_NUMBER: _ClassVar[int]
    EMAIL_ID_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    PREPARED_FIELD_NUMBER: _ClassVar[int]
    INTERNALDATE_FIELD_NUMBER: _ClassVar[int]
    BLOB_FIELD_NUMBER: _ClassVar[int]
    QUEUE_ID_FIELD_NUMBER: _ClassVar[int]
    found: bool
    email_id: bytes
    size: int
    prefix: bytes
    prepared: bytes
    internaldate: int
    blob: BlobRef
    queue_id: str
    def __init__(self, found: _Optional[bool] = ..., email_id: _Optional[bytes] = ..., size: _Optional[int] = ..., prefix: _Optional[bytes] = ..., prepared: _Optional[bytes] = ..., internaldate: _Optional[int] = ..., blob: _Optional[_Union[BlobRef, _Mapping]] = ..., queue_id: _Optional[str] = ...) -> None: ...

class StoredEmails(_message.Message):
    __slots__ = ("emails",)
    EMAILS_FIELD_NUMBER: _ClassVar[int]
    emails: _containers.RepeatedCompositeFieldContainer[StoredEmail]
    def __init__(self, emails: _Optional[_Iterable[_Union[StoredEmail, _Mapping]]] = ...) -> None: ...

class Envelope(_message.Message):
    __slots__ = ("found", "prefix", "prepared")
    FOUND_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    PREPARED_FIELD_NUMBER: _ClassVar[int]
    found: bool
    prefix: bytes
    prepared: bytes
    def __init__(self, found: _Optional[bool] = ..., prefix: _Optional[bytes] = ..., prepared: _Optional[bytes] = ...) -> None: ...

class Envelopes(_message.Message):
    __slots__ = ("envelopes",)
    ENVELOPES_FIELD_NUMBER: _ClassVar[int]
    envelopes: _containers.RepeatedCompositeFieldContainer[Envelope]
    def __init__(self, envelopes: _Optional[_Iterable[_Union[Envelope, _Mapping]]] = ...) -> None: ...

class MaybeOctets(_message.Message):
    __slots__ = ("octets",)
    OCTETS_FIELD_NUMBER: _ClassVar[int]
    octets: bytes
    def __init__(self, octets: _Optional[bytes] = ...) -> None: ...

class Evidence(_message.Message):
    __slots__ = ("op_ids", "modseqs")
    OP_IDS_FIELD_NUMBER: _ClassVar[int]
    MODSEQS_FIELD_NUMBER: _ClassVar[int]
    op_ids: bytes
    modseqs: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, op_ids: _Optional[bytes] = ..., modseqs: _Optional[_Iterable[int]] = ...) -> None: ...

class Lines(_message.Message):
    __slots__ = ("lines",)
    LINES_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, lines: _Optional[_Iterable[str]] = ...) -> None: ...

class WatchCall(_message.Message):
    __slots__ = ("account", "watch")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    WATCH_FIELD_NUMBER: _ClassVar[int]
    account: bytes
    watch: bool
    def __init__(self, account: _Optional[bytes] = ..., watch: _Optional[bool] = ...) -> None: ...

class Hint(_message.Message):
    __slots__ = ("account", "modseq", "error")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    MODSEQ_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    account: bytes
    modseq: int
    error: Error
    def __init__(self, account: _Optional[bytes] = ..., modseq: _Optional[int] = ..., error: _Optional[_Union[Error, _Mapping]] = ...) -> None: ...
