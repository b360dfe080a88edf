"""The parts of filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from posthouse.filter.pipeline import FilterHandler
from posthouse.filter.settings import FilterSettings
from posthouse.filter.steps import Chain, Step
from posthouse.log.consumer.commit import CommitPolicy
from posthouse.log.consumer.frame import ConsumerFrame, FrameLimits
from posthouse.log.topics import FILTER
from posthouse.log.trace_events import TraceEvents
from posthouse.ports.clock import Clock
from posthouse.ports.log import Log
from posthouse.runtime.stage import Stage
from posthouse.telemetry.metric_names import FILTER_STEP_SECONDS
from posthouse.telemetry.metrics import Metrics
from posthouse.telemetry.tracing import Tracer


def make_filter(
    log: Log,
    clock: Clock,
    tracer: Tracer,
    metrics: Metrics,
    settings: FilterSettings,
    *,
    steps: Sequence[Step] = (),
    process: str = "",
    crowded: Callable[[], bool] = bool,
) -> Stage:
    """`steps` in the order in which they look at a message; without any, every message is accepted. `crowded`: see
    ConsumerFrame."""

    def observe(step: str, seconds: float, outcome: str) -> None:
        metrics.histogram(FILTER_STEP_SECONDS, step, outcome).observe(seconds)

    events = TraceEvents(log, clock, process)
    handler = FilterHandler(log, Chain(steps, clock.monotonic, observe), clock, tracer, events)
    limits = FrameLimits(window=settings.window, concurrency=settings.concurrency)
    frame = ConsumerFrame(log, FILTER, handler, clock, metrics, limits, CommitPolicy(settings.commit), crowded)
    return Stage(FILTER, frame, events)
