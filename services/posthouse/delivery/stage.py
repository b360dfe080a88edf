"""The parts of delivery."""

from __future__ import annotations

from collections.abc import Callable

from posthouse.delivery.pipeline import DeliveryHandler, DeliveryPorts
from posthouse.delivery.prepare_cache import PrepareCache
from posthouse.delivery.settings import DeliverySettings
from posthouse.delivery.targets import DefaultPlanner, Planner
from posthouse.held.mail import HeldMail
from posthouse.log.consumer.commit import CommitPolicy
from posthouse.log.consumer.frame import ConsumerFrame, FrameLimits
from posthouse.log.topics import DELIVERY
from posthouse.log.trace_events import TraceEvents
from posthouse.ports.log import Log
from posthouse.runtime.stage import Stage


def make_delivery(
    log: Log,
    ports: DeliveryPorts,
    settings: DeliverySettings,
    *,
    planner: Planner | None = None,
    process: str = "",
    crowded: Callable[[], bool] = bool,
) -> Stage:
    """`planner` decides the folders; the default one where it is None. `crowded`: see ConsumerFrame."""
    events = TraceEvents(log, ports.clock, process)
    handler = DeliveryHandler(
        ports,
        planner or DefaultPlanner(ports.store),
        PrepareCache(ports.blobs, settings.prepared_cache),
        HeldMail(ports.store, ports.blobs, log, ports.clock, ports.ids),
        events,
    )
    limits = FrameLimits(window=settings.window, concurrency=settings.concurrency, per_key=settings.per_account)
    frame = ConsumerFrame(
        log, DELIVERY, handler, ports.clock, ports.metrics, limits, CommitPolicy(settings.commit), crowded
    )
    return Stage(DELIVERY, frame, events)
