"""One process from its settings to its exit code: logging, tracing, metrics, probes, lifecycle, workers.

    def main(settings: Settings) -> int:
        return run_process("mx", settings, build)

    async def build(process: Process) -> None:               # the composition root: the only place that picks adapters
        log = KafkaLog(...)
        process.lifecycle.add(log, ..., listener)

`build` runs on the event loop that the process will use; what it adds is started, drained and stopped in order. With
`lifecycle.workers` > 1 this process becomes the parent of that many copies of itself and `build` runs in those.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posthouse import __version__
from posthouse.model.errors import Unavailable
from posthouse.ports.clock import Clock
from posthouse.ports.ids import Ids
from posthouse.runtime.health import LoopWatch, add_health
from posthouse.runtime.http import HttpServer
from posthouse.runtime.lifecycle import EXIT_CRASH, Lifecycle
from posthouse.runtime.sections import HttpSettings, LifecycleSettings, TelemetrySettings
from posthouse.runtime.settings import Problem, Settings, SettingsError
from posthouse.runtime.system import SystemClock, SystemIds
from posthouse.runtime.worker_health import WorkerHealth
from posthouse.runtime.workers import Supervisor, WorkerId, end_with_parent, respawn, worker_id
from posthouse.telemetry.logging import EventLogger, Log
from posthouse.telemetry.metric_names import BUILD_INFO, LOGS_DROPPED, READY, SPANS_DROPPED
from posthouse.telemetry.metrics import Metrics
from posthouse.telemetry.redaction import Redactor
from posthouse.telemetry.sinks import NullSink, TeeSink
from posthouse.telemetry.tracing import SpanSink, Tracer

if TYPE_CHECKING:
    from posthouse.telemetry.otlp import OtlpSink

EXIT_UNAVAILABLE = 3
"""A server that the process needs was not reached at the start; whoever started it may try again."""

log = EventLogger("posthouse.runtime.process")


@dataclass(frozen=True, slots=True)
class Process:
    """What every process has; `build` gets it."""

    name: str
    settings: Settings
    clock: Clock
    ids: Ids
    metrics: Metrics
    tracer: Tracer
    redactor: Redactor
    lifecycle: Lifecycle
    http: HttpServer
    worker: WorkerId | None
    """None where there is only one."""

    @property
    def reuse_port(self) -> bool:
        """Whether listeners share their ports with other workers."""
        return self.worker is not None


Build = Callable[[Process], Awaitable[None]]


def run_process(
    name: str,
    settings: Settings,
    build: Build,
    *,
    ready_file: Path | None = None,
    ready_info: Callable[[], Mapping[str, object]] = dict,
    sinks: Sequence[SpanSink] = (),
) -> int:
    """Run until told to end; the exit code. SettingsError where sections do not go together.

    `ready_info` is asked for the JSON of `ready_file` once everything is ready. `sinks` get spans besides the
    collector.
    """
    telemetry = settings.section(TelemetrySettings)
    worker = worker_id(os.environ)
    if worker is not None:
        end_with_parent(worker.parent)
        # The parent writes it when all workers are ready.
        ready_file = None
    times, http = settings.section(LifecycleSettings), settings.section(HttpSettings)
    parent = times.workers > 1 and worker is None
    if parent and http.port == 0:
        raise SettingsError([Problem("http.port is 0, but workers need a fixed one to be asked at", "http.port")])
    redactor = _redactor(telemetry)
    logs = _logs(name, telemetry, redactor)
    collector = _collector(telemetry)
    tracer = Tracer(_all_sinks(collector, sinks), ratio=telemetry.trace_ratio)

    async def serve() -> int:
        asyncio.get_running_loop().set_exception_handler(_unhandled)
        clock = SystemClock()
        lifecycle = Lifecycle(
            name,
            clock,
            # A parent waits for its workers, who keep these times themselves.
            drain=times.settle + times.drain + times.stop + 1 if parent else times.drain,
            settle=0 if parent else times.settle,
            stop=times.stop,
            ready_file=ready_file,
            ready_info=ready_info,
        )
        if parent:
            _supervise(lifecycle, times.workers, http, clock)
            return await lifecycle.run()
        metrics = Metrics(process_metrics=True)
        _own_metrics(metrics, lifecycle, logs, tracer, collector)
        server = _http(http, worker)
        watch = LoopWatch(clock, metrics)
        add_health(server, watch, metrics, lifecycle.unready)
        lifecycle.add(server, watch)
        process = Process(name, settings, clock, SystemIds(), metrics, tracer, redactor, lifecycle, server, worker)
        try:
            await build(process)
        except Unavailable as error:
            log.error("what it needs cannot be reached", process=name, reason=error.reason or error.public)
            return EXIT_UNAVAILABLE
        except OSError as error:
            log.error("could not be put together", process=name, reason=str(error))
            return EXIT_CRASH
        except Exception as error:
            log.error("could not be put together", process=name, exc_info=error)
            return EXIT_CRASH
        return await lifecycle.run()

    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(serve())
    finally:
        tracer.close()
        logs.close()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        # Not made for Windows and PyPy (pyproject.toml): asyncio's own loop does the same, slower.
        return None
    return uvloop.new_event_loop


def _supervise(lifecycle: Lifecycle, count: int, http: HttpSettings, clock: Clock) -> None:
    server = _http(http, None)
    supervisor = Supervisor(count, respawn(sys.orig_argv, os.environ), clock)
    health = WorkerHealth(server, [_worker_port(http, index) for index in range(count)], clock)
    lifecycle.on_hangup(supervisor.hangup)
    lifecycle.add(server, supervisor, health)


def _http(http: HttpSettings, worker: WorkerId | None) -> HttpServer:
    if worker is None:
        return HttpServer(http.host, http.port, connections=http.connections)
    # Only the parent asks a worker.
    return HttpServer("127.0.0.1", _worker_port(http, worker.index), connections=http.connections)


def _worker_port(http: HttpSettings, index: int) -> int:
    return http.port + 1 + index


def _redactor(telemetry: TelemetrySettings) -> Redactor:
    key = telemetry.address_key
    return Redactor(None if key is None else key.reveal().encode(), addresses=telemetry.log_addresses)


def _logs(name: str, telemetry: TelemetrySettings, redactor: Redactor) -> Log:
    text = telemetry.log_format == "text" or (telemetry.log_format == "auto" and sys.stderr.isatty())
    return Log(
        level=telemetry.log_level,
        format="text" if text else "json",
        redactor=redactor,
        queue_size=telemetry.log_queue,
        process=name,
    )


def _collector(telemetry: TelemetrySettings) -> "OtlpSink | None":
    if telemetry.otlp_endpoint is None:
        return None
    # Imported where needed: the SDK costs every process 0.3 s and 20 MiB.
    from posthouse.telemetry.otlp import OtlpSink

    authorization = telemetry.otlp_authorization
    headers = {} if authorization is None else {"authorization": authorization.reveal()}
    return OtlpSink(telemetry.otlp_endpoint, instance=telemetry.instance, headers=headers)


def _all_sinks(collector: "OtlpSink | None", others: Sequence[SpanSink]) -> SpanSink:
    sinks = [*others, *([] if collector is None else [collector])]
    if len(sinks) == 1:
        return sinks[0]
    return TeeSink(sinks) if sinks else NullSink()


def _own_metrics(
    metrics: Metrics, lifecycle: Lifecycle, logs: Log, tracer: Tracer, collector: "OtlpSink | None"
) -> None:
    metrics.gauge(BUILD_INFO, __version__).value = 1
    dropped_logs = metrics.counter(LOGS_DROPPED)
    error_rate, queue_full, not_taken = (
        metrics.counter(SPANS_DROPPED, reason) for reason in ("error_rate", "queue_full", "not_taken")
    )

    def copy() -> None:
        dropped_logs.value = logs.dropped
        error_rate.value = tracer.dropped_errors
        if collector is not None:
            queue_full.value, not_taken.value = collector.dropped, collector.failed
        for part in lifecycle.components:
            metrics.gauge(READY, part.name).value = 1 if part.unready() is None else 0

    metrics.before_scrape(copy)


def _unhandled(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What nobody awaited: never expected, so it is an error in the log and not a line of asyncio's own."""
    log.error("unhandled in the event loop", what=str(context.get("message", "")), exc_info=context.get("exception"))
