"""The end of a message's trace: it reached an idling client (`imap.push`), it was fetched (`imap.fetch`).

A message's trace id is its queue_id, which the email row keeps; the row is asked for once per young message and
process. The span of its commit is named by its email_id (`commit_span_id`), so that push and fetch find their place
without being told. Mail that was APPENDed has no queue_id and no trace."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from posthouse.model.ids import AccountId, QueueId, Uid, queue_id_octets
from posthouse.model.journal import JournalEntry, MessageAppended
from posthouse.model.mailbox import email_id_of
from posthouse.model.trace import TraceEvent
from posthouse.ports.mail_store import MailStore
from posthouse.protocol.imap.view import SelectedView
from posthouse.telemetry.metric_names import IMAP_PUSH_SECONDS
from posthouse.telemetry.metrics import Metrics
from posthouse.telemetry.tracing import Tracer, commit_span_id

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection
    from posthouse.imap.services import Services

YOUNG = 86_400
"""Seconds. Older mail has no trace worth an end."""
REMEMBERED = 50_000
"""Messages whose first fetch this process remembers: 4 MiB."""


class FirstFetches:
    """Which messages were fetched before through this process."""

    def __init__(self, capacity: int = REMEMBERED) -> None:
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._capacity = capacity

    def first(self, email_id: bytes) -> bool:
        if email_id in self._seen:
            return False
        self._seen[email_id] = None
        if len(self._seen) > self._capacity:
            self._seen.popitem(last=False)
        return True


async def first_fetch(connection: Connection, view: SelectedView, email_id: bytes, uid: int) -> None:
    """A body was sent: if it is the message's first through this process, and it is young, that is an event."""
    services = connection.services
    i = view.columns.index(uid)
    now_us = services.clock.now_us()
    if i < 0 or view.columns.internaldates[i] < now_us // 1_000_000 - YOUNG:
        return
    if not services.first_fetches.first(email_id):
        return
    (email,) = await services.store.emails(view.account, [email_id_of(email_id)])
    if email is None or email.queue_id is None:
        return
    link = services.tracer.context(queue_id_octets(email.queue_id), commit_span_id(email_id))
    with services.tracer.start("imap.fetch", links=(link,)) as span:
        span.set("posthouse.queue_id", email.queue_id)
        span.set("posthouse.uid", uid)
    if services.trace_event is not None:
        services.trace_event(_event(services, email.queue_id, view, uid, now_us))


def _event(services: Services, queue_id: QueueId, view: SelectedView, uid: int, now_us: int) -> TraceEvent:
    return TraceEvent(
        queue_id=queue_id,
        stage="imap",
        outcome="fetched",
        at_us=now_us,
        process=services.process,
        account=view.account,
        mailbox=view.name,
        uid=Uid(uid),
    )


class Pushes:
    """Called after changes were pushed to idling clients of an account: counts, and, with `lookup`, ends traces.

    `lookup`: ask the email row for the queue_id of each new message, one read per message and process. Cheap embedded;
    in a cluster only worth it where most messages are traced."""

    def __init__(self, store: MailStore, tracer: Tracer, metrics: Metrics, *, lookup: bool) -> None:
        self._store = store
        self._tracer = tracer
        self._seconds = metrics.histogram(IMAP_PUSH_SECONDS)
        self._lookup = lookup

    async def __call__(self, account: AccountId, entries: Sequence[JournalEntry], seconds: float) -> None:
        """`seconds` from the hint to the last client."""
        appended = [(entry, op) for entry in entries for op in entry.ops if isinstance(op, MessageAppended)]
        if not appended:
            return
        self._seconds.observe(seconds)
        if not self._lookup:
            return
        emails = await self._store.emails(account, [op.email_id for _, op in appended])
        for (entry, op), email in zip(appended, emails, strict=True):
            if email is None or email.queue_id is None:
                continue
            commit = self._tracer.context(queue_id_octets(email.queue_id), commit_span_id(op.email_id.bytes))
            with self._tracer.start("imap.push", commit) as span:
                span.set("posthouse.queue_id", email.queue_id)
                span.set("posthouse.uid", op.uid)
                span.set("posthouse.modseq", entry.modseq)
