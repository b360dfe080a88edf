"""A mail store whose commits are counted, and whose commits of new messages are spans of the messages' traces.

Nothing has to carry a context here: the trace id is the queue_id of the email, the parent is the span of the delivery,
named by the op_id, and the span itself is named by the email_id, so that a later push or fetch finds it
(telemetry.tracing). Commits without a message from the road (flags, APPEND, moves) are counted only. To be put around
the store that commits, not around a client of it: each commit is counted once.
"""

from __future__ import annotations

import time
from typing import Final

from posthouse.model.change import Append, CommitRequest, CommitResult, Committed
from posthouse.model.errors import MailError, OutcomeUnknown, Unavailable
from posthouse.model.ids import AccountId, QueueId, queue_id_octets
from posthouse.model.mailbox import NewEmail
from posthouse.ports.mail_store import MailStore
from posthouse.telemetry.logging import current_trace
from posthouse.telemetry.metric_names import COMMIT_SECONDS, COMMITS
from posthouse.telemetry.metrics import Metrics
from posthouse.telemetry.tracing import Span, Tracer, commit_span_id, delivery_span_id


class ObservedMailStore:
    """ports.mail_store.MailStore. Everything but `commit` is the inner store's own method, at no cost."""

    def __init__(self, store: MailStore, tracer: Tracer, metrics: Metrics) -> None:
        self._store: Final = store
        self._tracer: Final = tracer
        self._seconds: Final = metrics.histogram(COMMIT_SECONDS)
        self._committed: Final = metrics.counter(COMMITS, "committed")
        self._duplicate: Final = metrics.counter(COMMITS, "duplicate")
        self._refused: Final = metrics.counter(COMMITS, "refused")
        self._unavailable: Final = metrics.counter(COMMITS, "unavailable")
        self._unknown: Final = metrics.counter(COMMITS, "unknown")
        self.create_account = store.create_account
        self.delete_account = store.delete_account
        self.view = store.view
        self.contents = store.contents
        self.journal = store.journal
        self.vanished = store.vanished
        self.emails = store.emails
        self.envelopes = store.envelopes
        self.octets = store.octets
        self.evidence = store.evidence
        self.watch = store.watch
        self.recount = store.recount

    async def commit(self, account: AccountId, request: CommitRequest) -> CommitResult:
        """As the port says."""
        first = request.changes[0] if request.changes else None
        if not isinstance(first, Append) or first.email.queue_id is None:
            return await self._counted(account, request)
        with self._span(request, first.email, first.email.queue_id) as span:
            try:
                result = await self._counted(account, request)
            except Unavailable:
                raise
            except MailError as error:
                # An answer and no failure: over quota, no such mailbox.
                span.set("posthouse.outcome", type(error).__name__)
                span.end()
                raise
            if span.sampled:
                span.set("posthouse.queue_id", first.email.queue_id)
                span.set("posthouse.account_id", str(account))
                span.set("posthouse.outcome", type(result).__name__)
                span.set("posthouse.modseq", result.modseq)
            return result

    async def _counted(self, account: AccountId, request: CommitRequest) -> CommitResult:
        began = time.perf_counter()
        try:
            result = await self._store.commit(account, request)
        except OutcomeUnknown:
            self._unknown.value += 1
            raise
        except Unavailable:
            self._unavailable.value += 1
            raise
        except MailError:
            self._refused.value += 1
            raise
        self._seconds.observe(time.perf_counter() - began)
        (self._committed if isinstance(result, Committed) else self._duplicate).value += 1
        return result

    def _span(self, request: CommitRequest, email: NewEmail, queue_id: QueueId) -> Span:
        trace_id = queue_id_octets(queue_id)
        parent = current_trace()
        if parent is None or parent.trace_id != trace_id.hex():
            parent = self._tracer.context(trace_id, delivery_span_id(request.op_id))
        return self._tracer.start("mailstore.commit", parent, span_id=commit_span_id(email.email_id.bytes))
