"""The working copy of an account's state while a group of requests is planned.

A change checks everything before it touches the draft, so a refused change leaves it untouched. A request of several
changes is taken back by `mark` and `restore`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from posthouse.model.change import QuotaLimit
from posthouse.model.errors import MailboxRefused, NoSuchMailbox, OverQuota
from posthouse.model.flags import SEEN
from posthouse.model.ids import MailboxId, MailboxNumber, ModSeq, Uid, UidValidity
from posthouse.model.journal import JournalOp, MailboxCreated
from posthouse.model.mailbox import MAX_MAILBOXES, Mailbox, NewEmail
from posthouse.store.account.names import known_form
from posthouse.store.account.row import MsgRow, bucket_key, row_hash
from posthouse.store.account.state import AccountState, Head

MAX_UID = 0xFFFF_FFFF
MAX_UIDVALIDITY = 0xFFFF_FFFF
MAX_MAILBOX_NUMBER = 0xFF_FFFF
"""Over an account's life. Stores pack it beside the account's number."""

RowTable = dict[MailboxNumber, dict[int, MsgRow]]
"""Live rows by mailbox and uid: what the adapter read for needs() and the draft keeps up to date."""


@dataclass(frozen=True, slots=True)
class Mark:
    used_bytes: int
    used_msgs: int
    next_mailbox: int
    next_uidvalidity: int
    mailboxes: dict[MailboxNumber, Mailbox]
    names: dict[str, MailboxNumber]
    doomed: dict[MailboxNumber, Mailbox]
    changed: set[MailboxNumber]
    buckets: dict[int, int] | None
    changed_buckets: set[int]
    rows: RowTable | None
    emails: int


class Draft:
    __slots__ = (
        "base",
        "buckets",
        "changed",
        "changed_buckets",
        "doomed",
        "emails",
        "mailboxes",
        "modseq",
        "names",
        "next_mailbox",
        "next_uidvalidity",
        "ops",
        "rows",
        "used_bytes",
        "used_msgs",
    )

    def __init__(self, base: AccountState, rows: RowTable | None) -> None:
        self.base = base
        self.modseq = base.head.modseq
        """Of the request being planned."""
        self.ops: list[JournalOp] = []
        """Of the request being planned."""
        self.used_bytes = base.head.used_bytes
        self.used_msgs = base.head.used_msgs
        self.next_mailbox: int = base.head.next_mailbox
        self.next_uidvalidity: int = base.head.next_uidvalidity
        self.mailboxes = dict(base.mailboxes)
        self.names = dict(base.names)
        self.doomed = dict(base.doomed)
        self.changed: set[MailboxNumber] = set()
        self.buckets = None if base.buckets is None else dict(base.buckets)
        self.changed_buckets: set[int] = set()
        self.rows = rows
        """None when no request of the group looks at rows: then they are not kept up either."""
        self.emails: list[NewEmail] = []

    def mark(self) -> Mark:
        return Mark(
            self.used_bytes,
            self.used_msgs,
            self.next_mailbox,
            self.next_uidvalidity,
            dict(self.mailboxes),
            dict(self.names),
            dict(self.doomed),
            set(self.changed),
            None if self.buckets is None else dict(self.buckets),
            set(self.changed_buckets),
            None if self.rows is None else {number: dict(table) for number, table in self.rows.items()},
            len(self.emails),
        )

    def restore(self, mark: Mark) -> None:
        self.used_bytes, self.used_msgs = mark.used_bytes, mark.used_msgs
        self.next_mailbox, self.next_uidvalidity = mark.next_mailbox, mark.next_uidvalidity
        self.mailboxes, self.names, self.doomed = mark.mailboxes, mark.names, mark.doomed
        self.changed, self.buckets, self.changed_buckets = mark.changed, mark.buckets, mark.changed_buckets
        self.rows = mark.rows
        del self.emails[mark.emails :]

    def freeze(self, modseq: ModSeq, projected: ModSeq, floor: ModSeq) -> AccountState:
        base = self.base
        head = Head(
            modseq,
            projected,
            floor,
            base.head.incarnation,
            self.used_bytes,
            self.used_msgs,
            MailboxNumber(self.next_mailbox),
            UidValidity(self.next_uidvalidity),
            base.head.deleted,
        )
        return AccountState(base.account, head, self.mailboxes, self.names, self.buckets, self.doomed)

    def named(self, name: str) -> Mailbox:
        number = self.names.get(name) or self.names.get(known_form(name))
        if number is None:
            raise NoSuchMailbox(f"no mailbox named {name!r}")
        return self.mailboxes[number]

    def numbered(self, number: MailboxNumber) -> Mailbox:
        mailbox = self.mailboxes.get(number)
        if mailbox is None:
            raise NoSuchMailbox(f"no mailbox number {number}")
        return mailbox

    def put(self, mailbox: Mailbox) -> None:
        self.mailboxes[mailbox.number] = mailbox
        self.changed.add(mailbox.number)

    def live(self, number: MailboxNumber) -> dict[int, MsgRow]:
        """Rows of a mailbox as the planned changes leave them, among those that were read."""
        assert self.rows is not None, "needs() named rows that were not supplied"
        return self.rows.setdefault(number, {})

    def check_quota(self, quota: QuotaLimit, octets: int, messages: int) -> None:
        if quota.max_bytes is not None and (self.used_bytes + octets) * 100 > quota.max_bytes * quota.percent:
            raise OverQuota(f"{self.used_bytes} + {octets} octets exceed {quota.max_bytes} by {quota.percent} %")
        if quota.max_msgs is not None and (self.used_msgs + messages) * 100 > quota.max_msgs * quota.percent:
            raise OverQuota(f"{self.used_msgs} + {messages} messages exceed {quota.max_msgs} by {quota.percent} %")

    def check_room_for_mailboxes(self, count: int) -> None:
        if len(self.mailboxes) + count > MAX_MAILBOXES:
            raise MailboxRefused("too many mailboxes", public=f"More than {MAX_MAILBOXES} mailboxes")
        if self.next_mailbox + count > MAX_MAILBOX_NUMBER or self.next_uidvalidity + count > MAX_UIDVALIDITY:
            raise MailboxRefused("mailbox numbers used up", public="No more mailboxes can be made in this account")

    def make_mailbox(self, name: str, mailbox_id: MailboxId, special_use: str = "") -> Mailbox:
        """Room must have been checked. Numbers and UIDVALIDITY only ever rise, so a name that comes back is told apart
        from the mailbox that had it before (RFC 9051 §2.3.1.1)."""
        number, uidvalidity = MailboxNumber(self.next_mailbox), UidValidity(self.next_uidvalidity)
        self.next_mailbox += 1
        self.next_uidvalidity += 1
        mailbox = Mailbox(
            number=number,
            mailbox_id=mailbox_id,
            name=name,
            uidvalidity=uidvalidity,
            uidnext=Uid(1),
            highest_modseq=self.modseq,
            total=0,
            unseen=0,
            size=0,
            checksum=0,
            vanished_floor=ModSeq(0),
            special_use=special_use,
        )
        self.put(mailbox)
        self.names[name] = number
        self.ops.append(MailboxCreated(number, mailbox_id, name, uidvalidity, special_use))
        return mailbox

    def count_bucket(self, number: MailboxNumber, uid: int, delta: int) -> None:
        if self.buckets is not None:
            key = bucket_key(number, uid)
            self.buckets[key] = self.buckets.get(key, 0) + delta
            self.changed_buckets.add(key)

    def add_rows(self, mailbox: Mailbox, rows: Iterable[MsgRow], uidnext: int) -> None:
        """New live rows at the end of the mailbox."""
        total = unseen = size = checksum = 0
        table = None if self.rows is None else self.rows.setdefault(mailbox.number, {})
        for row in rows:
            total += 1
            unseen += not row.sys & SEEN
            size += row.size
            checksum ^= row_hash(row)
            self.count_bucket(mailbox.number, row.uid, 1)
            if table is not None:
                table[row.uid] = row
        self.used_bytes += size
        self.used_msgs += total
        self.put(shifted(mailbox, self.modseq, uidnext, total, unseen, size, checksum))

    def drop_rows(self, mailbox: Mailbox, rows: Iterable[MsgRow]) -> None:
        """Live rows that are expunged."""
        total = unseen = size = checksum = 0
        table = self.live(mailbox.number)
        for row in rows:
            total -= 1
            unseen -= not row.sys & SEEN
            size -= row.size
            checksum ^= row_hash(row)
            self.count_bucket(mailbox.number, row.uid, -1)
            del table[row.uid]
        self.used_bytes += size
        self.used_msgs += total
        self.put(shifted(mailbox, self.modseq, mailbox.uidnext, total, unseen, size, checksum))


def shifted(
    m: Mailbox, modseq: ModSeq, uidnext: int, total: int = 0, unseen: int = 0, size: int = 0, checksum: int = 0
) -> Mailbox:
    """`m` after a change of its messages. Spelt out: dataclasses.replace costs four times as much, on the hot path."""
    return Mailbox(
        m.number,
        m.mailbox_id,
        m.name,
        m.uidvalidity,
        Uid(uidnext),
        modseq,
        m.total + total,
        m.unseen + unseen,
        m.size + size,
        m.checksum ^ checksum,
        m.vanished_floor,
        m.subscribed,
        m.special_use,
    )
