"""One accepted message → its deliveries, published in one go."""

from __future__ import annotations

from posthouse.filter.steps import Chain, FilterContext, after_250
from posthouse.log.codec import decode_accepted, encode_deliver
from posthouse.log.topics import FILTER, MAIL_DELIVER
from posthouse.log.trace_events import TraceEvents
from posthouse.model.envelope import OWN
from posthouse.model.errors import Invalid
from posthouse.model.ids import QueueId
from posthouse.model.routing import route
from posthouse.model.trace import TraceEvent
from posthouse.ports.clock import Clock
from posthouse.ports.log import ConsumedRecord, Headers, Log, Record
from posthouse.telemetry.logging import EventLogger, log_context
from posthouse.telemetry.tracing import Tracer, extract

log = EventLogger("posthouse.filter")


class FilterHandler:
    """`log.consumer.frame.Handler` of the group `filter`."""

    def __init__(self, log_port: Log, chain: Chain, clock: Clock, tracer: Tracer, events: TraceEvents) -> None:
        self._log = log_port
        self._chain = chain
        self._clock = clock
        self._tracer = tracer
        self._events = events

    async def handle(self, record: ConsumedRecord, attempt: int) -> None:
        accepted = decode_accepted(record.value)
        queue_id = accepted.queue_id
        with self._tracer.start("filter.message", extract(record.headers)) as span:
            span.set("posthouse.queue_id", queue_id)
            if attempt > 1:
                span.set("posthouse.attempt", attempt)
            context = FilterContext(accepted)
            with log_context(queue_id=queue_id, trace=span.context):
                if accepted.origin != OWN:
                    await self._chain.run(context)
                deliveries = route(
                    accepted,
                    verdicts=[after_250(verdict) for verdict in context.verdicts],
                    headers=[(*context.headers, *own) for own in context.rcpt_headers],
                    filtered_us=self._clock.now_us(),
                )
                headers = _headers(queue_id, span.context.traceparent)
                await self._log.publish(
                    [
                        Record(MAIL_DELIVER.name, deliver.account.bytes, encode_deliver(deliver), headers)
                        for deliver in deliveries
                    ]
                )
                if span.sampled:
                    span.set("posthouse.rcpts", len(deliveries))
                    for card in context.scores:
                        if card is not None:
                            span.set("posthouse.model", card.version)
                            break
                log.debug("filtered", deliveries=len(deliveries))

    def failed(self, record: ConsumedRecord, outcome: str, reason: str) -> None:
        try:
            queue_id = decode_accepted(record.value).queue_id
        except Invalid:
            return  # no record, no message, nothing to trace: the dead letter has the octets
        now_us = self._clock.now_us()
        self._events.write(TraceEvent(queue_id, FILTER, outcome, now_us, process=self._events.process, reason=reason))


def _headers(queue_id: QueueId, traceparent: str) -> Headers:
    return (("queue_id", queue_id.encode()), ("traceparent", traceparent.encode()))
