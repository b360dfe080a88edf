"""Decides, purely, what a group of requests does to an account: the one place where the rules of a commit live.

A group of g requests becomes modseq m+1 … m+g, one journal entry each, but one value per row (head, mailbox, bucket).
A request that is refused, or was committed before, consumes nothing and leaves the others of its group as they are.
Nothing is read or written here: the adapter supplies the rows that needs() names and carries the Plan out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from posthouse.model.change import (
    Append,
    Appended,
    Change,
    CommitRequest,
    CommitResult,
    Committed,
    Copy,
    CreateMailbox,
    DeleteMailbox,
    Duplicate,
    Effect,
    Expunge,
    Noop,
    QuotaLimit,
    RenameMailbox,
    StoreFlags,
    SubscribeMailbox,
)
from posthouse.model.errors import Invalid, MailError, NoSuchAccount
from posthouse.model.ids import MailboxNumber, ModSeq, OpId, Uid
from posthouse.model.journal import Fence, JournalEntry
from posthouse.model.mailbox import INBOX, NewEmail
from posthouse.store.account import folders, messages
from posthouse.store.account.codec import encode_answer
from posthouse.store.account.draft import Draft, RowTable
from posthouse.store.account.names import known_form
from posthouse.store.account.state import JOURNAL_KEPT, JOURNAL_TRIM_EVERY, AccountState

MAX_CHANGES = 100
"""Changes in one request."""
INBOX_NUMBER = MailboxNumber(1)


@dataclass(frozen=True, slots=True)
class RowNeed:
    """Live rows that a request looks at."""

    mailbox: MailboxNumber
    uids: Sequence[Uid] | None
    """Ascending; None = all of the mailbox."""
    deleted_only: bool = False
    """Those with \\Deleted are enough."""


@dataclass(frozen=True, slots=True)
class DedupRow:
    op_id: OpId
    modseq: ModSeq
    answer: bytes
    """codec.encode_answer of the Appended effects."""
    ttl: int
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Plan:
    base: AccountState
    state: AccountState
    """After the group. Equal to `base` when `entries` is empty: then there is nothing to write."""
    entries: tuple[JournalEntry, ...]
    changed: frozenset[MailboxNumber]
    """Mailbox rows to write: from state.mailboxes, or, deleted, from state.doomed."""
    buckets: Mapping[int, int]
    """Bucket rows to write: live count per bucket_key. Empty where the state keeps none."""
    dedup: tuple[DedupRow, ...]
    emails: tuple[NewEmail, ...]
    """Appended by requests that succeed."""
    trim: ModSeq | None
    """Journal entries up to here are to be deleted (state.head.floor says so)."""
    results: tuple[CommitResult | MailError, ...]
    """One per request, in order."""


def needs(request: CommitRequest) -> list[RowNeed]:
    """The rows that the adapter must supply to plan() for this request."""
    out: list[RowNeed] = []
    for change in request.changes:
        kind = type(change)
        if kind is Append:
            continue
        if isinstance(change, StoreFlags):
            out.append(RowNeed(change.mailbox, change.uids))
        elif isinstance(change, Expunge):
            out.append(RowNeed(change.mailbox, change.uids, deleted_only=not change.force))
        elif isinstance(change, Copy):
            out.append(RowNeed(change.source, change.uids))
        elif isinstance(change, RenameMailbox) and known_form(change.name) == INBOX:
            out.append(RowNeed(INBOX_NUMBER, None))
    return out


def plan(
    state: AccountState,
    requests: Sequence[CommitRequest],
    *,
    rows: RowTable | None = None,
    known: Mapping[OpId, Duplicate] | None = None,
    projected: ModSeq | None = None,
) -> Plan:
    """`rows`: live rows for all needs() of the group at `state`; taken over and changed. None if there are no needs.
    `known`: op ids found to be committed before. `projected`: how far the message rows are known to be written; None =
    they are written together with the plan."""
    if state.head.deleted:
        gone = NoSuchAccount("the account is deleted")
        return _nothing(state, tuple(gone for _ in requests))
    draft = Draft(state, rows)
    entries: list[JournalEntry] = []
    dedup: list[DedupRow] = []
    seen: dict[OpId, Duplicate] = {}
    results: list[CommitResult | MailError] = []
    done = state.head.modseq
    for request in requests:
        if request.dedup_ttl:
            repeat = seen.get(request.op_id) or (known.get(request.op_id) if known else None)
            if repeat is not None:
                results.append(repeat)
                continue
        draft.modseq = modseq = ModSeq(done + 1)
        draft.ops = []
        try:
            effects = _effects(draft, request)
        except MailError as refusal:
            results.append(refusal)
            continue
        if not draft.ops and not request.dedup_ttl:
            results.append(Committed(done, effects))  # nothing to do: no modseq is spent on it (RFC 7162 §3.1)
            continue
        done = modseq
        entries.append(JournalEntry(modseq, tuple(draft.ops), request.op_id))
        results.append(Committed(modseq, effects))
        if request.dedup_ttl:
            appended = tuple([effect for effect in effects if type(effect) is Appended])
            seen[request.op_id] = Duplicate(modseq, appended)
            dedup.append(DedupRow(request.op_id, modseq, encode_answer(appended), request.dedup_ttl))
    if not entries:
        return _nothing(state, tuple(results))
    if projected is None:
        projected = done
    trim = _trim(state, done, projected)
    after = draft.freeze(done, projected, state.head.floor if trim is None else trim)
    buckets = draft.buckets
    return Plan(
        state,
        after,
        tuple(entries),
        frozenset(draft.changed),
        {key: buckets[key] for key in draft.changed_buckets} if buckets is not None else {},
        tuple(dedup),
        tuple(draft.emails),
        trim,
        tuple(results),
    )


def _nothing(state: AccountState, results: tuple[CommitResult | MailError, ...]) -> Plan:
    return Plan(state, state, (), frozenset(), {}, (), (), None, results)


def _trim(state: AccountState, modseq: int, projected: int) -> ModSeq | None:
    if modseq // JOURNAL_TRIM_EVERY == state.head.modseq // JOURNAL_TRIM_EVERY:
        return None
    floor = min(projected, modseq - JOURNAL_KEPT)
    return ModSeq(floor) if floor > state.head.floor else None


def _effects(draft: Draft, request: CommitRequest) -> tuple[Effect, ...]:
    changes = request.changes
    if len(changes) == 1:
        return (_apply(draft, changes[0], request.quota),)
    if len(changes) > MAX_CHANGES:
        raise Invalid(f"{len(changes)} changes in one request", public="Too many changes at once")
    mark = draft.mark()
    try:
        return tuple([_apply(draft, change, request.quota) for change in changes])
    except MailError:
        draft.restore(mark)
        raise


def _apply(draft: Draft, change: Change, quota: QuotaLimit) -> Effect:
    match change:
        case Append():
            return messages.append(draft, change, quota)
        case StoreFlags():
            return messages.store_flags(draft, change)
        case Expunge():
            return messages.expunge(draft, change)
        case Copy():
            return messages.copy(draft, change, quota)
        case CreateMailbox():
            return folders.create(draft, change)
        case RenameMailbox():
            return folders.rename(draft, change)
        case DeleteMailbox():
            return folders.delete(draft, change)
        case SubscribeMailbox():
            return folders.subscribe(draft, change)
        case Noop():
            draft.ops.append(Fence())
            return None
