"""The commit protocol: group commit, conflicts, and outcomes that nobody knows.

Rules (docs/adr/0002-account-log.md)
- A group is what arrived while the previous commit ran, at most MAX_GROUP requests; nobody waits for company.
- A batch whose fate is unknown stays *in doubt* while the head still has the modseq that it was conditioned on. It has
  been applied if its commit_id is in the journal; it never will be once another entry stands behind its base.
- While a batch is in doubt the same requests are sent again, conditioned on the same modseq: one of the two applies.
- No definite failure is answered while a batch is in doubt: first a no-op (the fence) takes the next modseq.
  If that cannot be established in time the answer is OutcomeUnknown, never NO.
- A refusal that no batch has proved rests on a head read after the request came in.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from posthouse.model.change import Append, CommitRequest, CommitResult, Duplicate, Noop
from posthouse.model.errors import MailError, OutcomeUnknown, Unavailable
from posthouse.model.ids import ModSeq, OpId
from posthouse.model.mailbox import NewEmail
from posthouse.store.account.draft import RowTable
from posthouse.store.account.owner_log import AccountLog
from posthouse.store.account.plan import Plan, needs, plan
from posthouse.store.account.state import AccountState
from posthouse.store.account.table import Applied, CasUnknown, Consistency, DuplicateRows

log = logging.getLogger(__name__)

MAX_GROUP = 64
MAX_WAITING = 10_000
"""Requests per account; beyond it Unavailable."""
_LONGEST_PAUSE = 0.5

Waiting = tuple[CommitRequest, "asyncio.Future[CommitResult]"]


class _GivenUp(Unavailable):
    """Definite: nothing of the group was applied, and nothing will be."""


@dataclass(slots=True)
class _Attempt:
    """A group on its way."""

    requests: Sequence[CommitRequest]
    began: float
    ticket: int
    """Of the moment it began, to compare with that of the head's last read (owner_log.ticket)."""
    known: dict[OpId, Duplicate] = field(default_factory=dict)
    in_doubt: dict[bytes, Plan] = field(default_factory=dict)
    """commit_id → plan sent. Plans for the fence have other results than the requests': see `fences`."""
    fences: set[bytes] = field(default_factory=set)
    pause: float = 0.0


class Committer:
    """The queue of one account."""

    def __init__(self, log: AccountLog) -> None:
        self._log = log
        self._around = log.around
        self._queue: deque[Waiting] = deque()
        self._running = False
        self.conflicts = 0
        self.unknowns = 0

    @property
    def idle(self) -> bool:
        return not self._running

    def submit(self, request: CommitRequest) -> asyncio.Future[CommitResult]:
        future: asyncio.Future[CommitResult] = asyncio.get_running_loop().create_future()
        if len(self._queue) >= MAX_WAITING:
            future.set_exception(Unavailable("too many commits wait for this account"))
            return future
        self._queue.append((request, future))
        if not self._running:
            self._running = True
            self._around.spawn(self._drain())
        return future

    async def _drain(self) -> None:
        group: list[Waiting] = []
        try:
            while self._queue:
                group = [self._queue.popleft() for _ in range(min(MAX_GROUP, len(self._queue)))]
                for (_, future), outcome in zip(group, await self._commit(group), strict=True):
                    _answer(future, outcome)
        except BaseException:
            for _, future in [*group, *self._queue]:
                _answer(future, OutcomeUnknown("the owner of the account stopped"))
            self._queue.clear()
            raise
        finally:
            self._running = False

    async def _commit(self, group: Sequence[Waiting]) -> Sequence[CommitResult | MailError]:
        requests = [request for request, _ in group]
        attempt = _Attempt(requests, self._around.clock.monotonic(), self._log.ticket())
        try:
            emails = [change.email for request in requests for change in request.changes if isinstance(change, Append)]
            if emails:
                await self._write_emails(attempt, emails)
            return await self._settle(attempt)
        except MailError as failure:
            return [failure] * len(requests)
        except Exception:
            log.exception("a commit failed in a way that has no name")
            return [OutcomeUnknown("unexpected failure, see the log")] * len(requests)

    async def _write_emails(self, attempt: _Attempt, emails: Sequence[NewEmail]) -> None:
        """Before the batch that makes them reachable."""
        await self._log.fresh(since=float("-inf"))  # no rows for an account that does not exist
        while True:
            try:
                return await self._log.table.write_emails(self._log.account, emails)
            except Unavailable:
                if self._elapsed(attempt) >= self._around.times.fence:
                    raise
                await self._pause(attempt)

    async def _settle(self, attempt: _Attempt) -> Sequence[CommitResult | MailError]:
        while True:
            failure: Unavailable | None = None
            try:
                answered = await self._round(attempt)
                if answered is not None:
                    return answered
            except _GivenUp:
                raise
            except Unavailable as e:
                failure = e
            if self._elapsed(attempt) >= self._around.times.commit:
                if attempt.in_doubt:
                    raise OutcomeUnknown("the fate of a commit could not be established in time")
                raise failure or Unavailable("the account is too busy")
            await self._pause(attempt)

    async def _round(self, attempt: _Attempt) -> Sequence[CommitResult | MailError] | None:
        """One try. None: again."""
        state = await self._state(attempt)
        if attempt.in_doubt:
            found = await self._find(attempt, state)
            if found is not None:
                return found
        giving_up = self._elapsed(attempt) >= self._around.times.fence
        if giving_up and not attempt.in_doubt:
            raise _GivenUp("the commit could not be carried out in time")
        requests = [_fence(self._around.ids.op_id())] if giving_up else attempt.requests
        decided, read = await self._plan(state, requests, attempt.known)
        if not giving_up and await self._repeated(attempt, decided):
            decided, read = await self._plan(state, requests, attempt.known)
        if not decided.entries:
            if not attempt.in_doubt and self._proved(attempt, decided.base):
                return decided.results
            if attempt.in_doubt:  # nothing to do here and now, but what is in doubt must not apply later
                giving_up = True
                decided, read = await self._plan(state, [_fence(self._around.ids.op_id())], {})
            else:
                self._log.doubt()
                return None
        commit_id = self._around.ids.op_id()
        sent_at = self._around.clock.monotonic()
        try:
            outcome = await self._log.table.cas(decided, commit_id)
        except CasUnknown:
            self.unknowns += 1
            attempt.in_doubt[commit_id] = decided
            if giving_up:
                attempt.fences.add(commit_id)
            self._log.doubt()
            return None
        if isinstance(outcome, Applied):
            self._log.committed(decided, read, sent_at)
            attempt.in_doubt.clear()  # all of them were conditioned on the modseq that has now passed
            return None if giving_up else decided.results
        if isinstance(outcome, DuplicateRows):
            attempt.known.update(outcome.found)
        else:
            self.conflicts += 1
            self._log.doubt()
        return None

    async def _repeated(self, attempt: _Attempt, decided: Plan) -> bool:
        """Whether some of what was refused had been committed before. A repeat must not be refused for what it did
        itself or what came after it: the quota is full, the name is taken, the mailbox is gone."""
        refused = [
            request.op_id
            for request, result in zip(attempt.requests, decided.results, strict=True)
            if request.dedup_ttl and isinstance(result, MailError) and request.op_id not in attempt.known
        ]
        if not refused:
            return False
        found = await self._log.table.read_dedup(self._log.account, refused, Consistency.SERIAL)
        attempt.known.update(found)
        return bool(found)

    async def _state(self, attempt: _Attempt) -> AccountState:
        if attempt.in_doubt:
            return await self._log.refresh(Consistency.SERIAL)
        if self._log.state is None:
            return await self._log.refresh(Consistency.SERIAL)
        return await self._log.fresh(since=float("-inf"))

    def _proved(self, attempt: _Attempt, base: AccountState) -> bool:
        """The state that answers without a batch was read after the requests had come in."""
        return self._log.state is base and self._log.read_at > attempt.ticket

    async def _plan(
        self, state: AccountState, requests: Sequence[CommitRequest], known: Mapping[OpId, Duplicate]
    ) -> tuple[Plan, RowTable | None]:
        needed = [need for request in requests for need in needs(request)]
        if not needed:
            return plan(state, requests, known=known, projected=self._projected(state)), None
        state, rows = await self._log.rows_for(state, needed)
        read = {number: dict(table) for number, table in rows.items()}
        return plan(state, requests, rows=rows, known=known, projected=self._projected(state)), read

    def _projected(self, state: AccountState) -> ModSeq:
        return ModSeq(min(max(self._log.projected, state.head.projected), state.head.modseq))

    async def _find(self, attempt: _Attempt, state: AccountState) -> Sequence[CommitResult | MailError] | None:
        """Looks for the batches in doubt in the journal, read at SERIAL. Returns the answer if one of them applied."""
        base = min(sent.base.head.modseq for sent in attempt.in_doubt.values())
        if state.head.modseq == base:
            return None
        if state.head.floor > base:
            raise OutcomeUnknown("the journal behind a commit in doubt has been trimmed")
        written = await self._commit_ids(base, state.head.modseq)
        for commit_id, sent in list(attempt.in_doubt.items()):
            if commit_id in written:
                self._log.tail.extend(sent.entries)
                fence = commit_id in attempt.fences
                attempt.in_doubt.clear()
                if not fence:
                    return sent.results
                break
            if sent.base.head.modseq < state.head.modseq:
                del attempt.in_doubt[commit_id]
        return None

    async def _commit_ids(self, after: ModSeq, upto: ModSeq) -> set[bytes]:
        for consistency in (Consistency.SERIAL, Consistency.ALL):
            rows = await self._log.table.read_journal(self._log.account, after, consistency)
            if [row.modseq for row in rows if row.modseq <= upto] == list(range(after + 1, upto + 1)):
                return {row.commit_id for row in rows}
        raise Unavailable("the journal has a gap where a commit in doubt may be")

    def _elapsed(self, attempt: _Attempt) -> float:
        return self._around.clock.monotonic() - attempt.began

    async def _pause(self, attempt: _Attempt) -> None:
        """Grows, and differs from owner to owner: two that always collide would both starve."""
        attempt.pause = min(max(attempt.pause * 2, self._around.times.retry), _LONGEST_PAUSE)
        await self._around.clock.sleep(attempt.pause * (0.5 + self._around.ids.token(1)[0] / 256))


def _fence(op_id: OpId) -> CommitRequest:
    return CommitRequest(op_id, (Noop(),))


def _answer(future: asyncio.Future[CommitResult], outcome: CommitResult | MailError) -> None:
    if future.done():
        return
    if isinstance(outcome, MailError):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
