"""Plans outside the everyday commit: an account's first entry, its end, the sweep of deleted mailboxes, a recount."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from posthouse.model.errors import Invalid
from posthouse.model.ids import AccountId, MailboxId, MailboxNumber, ModSeq, OpId, Uid, UidValidity
from posthouse.model.journal import Fence, JournalEntry, JournalOp, MailboxCreated
from posthouse.model.mailbox import INBOX, SPECIAL_USE, Mailbox
from posthouse.store.account.names import new_name
from posthouse.store.account.plan import INBOX_NUMBER, Plan
from posthouse.store.account.state import AccountState, Head, state_of

_NO_OP_ID = OpId(bytes(16))


def plan_bootstrap(
    account: AccountId, mailboxes: Sequence[tuple[str, str, MailboxId]], now_s: int, *, buckets: bool
) -> Plan:
    """modseq 1: INBOX (made if it is not among `mailboxes`: then its id is derived) and the given (name, special_use,
    id). UIDVALIDITY starts at the time of creation, so that an address that comes back as another account does not
    look to clients like the old one (RFC 9051 §2.3.1.1). MailboxRefused, Invalid for bad names."""
    wanted: dict[str, tuple[str, MailboxId]] = {}
    for name, special_use, mailbox_id in mailboxes:
        if special_use and special_use not in SPECIAL_USE:
            raise Invalid(f"unknown special use {special_use!r}")
        wanted[new_name(name)] = (special_use, mailbox_id)
    inbox = wanted.pop(INBOX, ("", MailboxId(account)))
    made: dict[MailboxNumber, Mailbox] = {}
    ops: list[JournalOp] = []
    for number, (name, (special_use, mailbox_id)) in enumerate([(INBOX, inbox), *wanted.items()], INBOX_NUMBER):
        uidvalidity = UidValidity(now_s + number)
        mailbox = Mailbox(
            number=MailboxNumber(number),
            mailbox_id=mailbox_id,
            name=name,
            uidvalidity=uidvalidity,
            uidnext=Uid(1),
            highest_modseq=ModSeq(1),
            total=0,
            unseen=0,
            size=0,
            checksum=0,
            vanished_floor=ModSeq(0),
            special_use=special_use,
        )
        made[mailbox.number] = mailbox
        ops.append(MailboxCreated(mailbox.number, mailbox_id, name, uidvalidity, special_use))
    following = len(made) + INBOX_NUMBER
    head = Head(
        modseq=ModSeq(1),
        projected=ModSeq(1),
        floor=ModSeq(0),
        incarnation=0,
        used_bytes=0,
        used_msgs=0,
        next_mailbox=MailboxNumber(following),
        next_uidvalidity=UidValidity(now_s + following),
        deleted=False,
    )
    none: dict[int, int] | None = {} if buckets else None
    before = state_of(account, replace(head, modseq=ModSeq(0), projected=ModSeq(0)), {}, none, {})
    after = state_of(account, head, made, none, {})
    entry = JournalEntry(ModSeq(1), tuple(ops), OpId(account.bytes))
    return Plan(before, after, (entry,), frozenset(made), {}, (), (), None, ())


def plan_delete(state: AccountState) -> Plan:
    """The head becomes *deleted*; every commit from then on answers NoSuchAccount. Rows are swept later."""
    return _fenced(state, replace(state.head, deleted=True), state.mailboxes, state.doomed, frozenset())


def plan_swept(state: AccountState, swept: Collection[MailboxNumber]) -> Plan:
    """The rows of these doomed mailboxes are gone: so go their mailbox and bucket rows."""
    doomed = {number: mailbox for number, mailbox in state.doomed.items() if number not in swept}
    swept_plan = _fenced(state, state.head, state.mailboxes, doomed, frozenset(swept))
    if state.buckets is None:
        return swept_plan
    buckets = {key: live for key, live in state.buckets.items() if key >> 32 not in swept}
    return replace(swept_plan, state=replace(swept_plan.state, buckets=buckets))


def plan_floor(state: AccountState, floors: Mapping[MailboxNumber, ModSeq]) -> Plan:
    """Raises vanished_floor of mailboxes, before rows of expunged messages run out."""
    raised = {
        number: replace(mailbox, vanished_floor=floors[number]) if number in floors else mailbox
        for number, mailbox in state.mailboxes.items()
    }
    return _fenced(state, state.head, raised, state.doomed, frozenset(floors) & frozenset(raised))


def plan_recount(state: AccountState, counted: Mapping[MailboxNumber, Mailbox], buckets: Mapping[int, int]) -> Plan:
    """Mailbox rows as recounted; the head's usage is their sum."""
    mailboxes = {**state.mailboxes, **counted}
    used_bytes = sum(mailbox.size for mailbox in mailboxes.values())
    used_msgs = sum(mailbox.total for mailbox in mailboxes.values())
    plan = _fenced(
        state,
        replace(state.head, used_bytes=used_bytes, used_msgs=used_msgs),
        mailboxes,
        state.doomed,
        frozenset(counted),
    )
    if state.buckets is None:
        return plan
    return replace(plan, buckets=buckets, state=replace(plan.state, buckets={**state.buckets, **buckets}))


def _fenced(
    state: AccountState,
    head: Head,
    mailboxes: Mapping[MailboxNumber, Mailbox],
    doomed: Mapping[MailboxNumber, Mailbox],
    changed: frozenset[MailboxNumber],
) -> Plan:
    """One journal entry that tells sessions nothing but moves the modseq. `projected` stays: the adapter moves it."""
    modseq = ModSeq(state.head.modseq + 1)
    after = state_of(state.account, replace(head, modseq=modseq), mailboxes, state.buckets, doomed)
    return Plan(state, after, (JournalEntry(modseq, (Fence(),), _NO_OP_ID),), changed, {}, (), (), None, ())
