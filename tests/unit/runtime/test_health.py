"""Probes and metrics: what they answer. The HTTP itself is in test_http.py."""

import asyncio
import json

from posthouse.runtime.health import LoopWatch, add_health
from posthouse.runtime.http import Handler, HttpServer, Request
from posthouse.telemetry.metrics import Metrics


class Manual:
    """A clock moved by the test; its sleeps are late by `late`."""

    def __init__(self) -> None:
        self.now = 100.0
        self.late = 0.0
        self.sleeps = 0

    def now_us(self) -> int:
        return 0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        self.now += seconds + self.late
        await asyncio.sleep(0)


class Routes(HttpServer):
    """Only collects the handlers."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1", 0)
        self.handlers: dict[str, Handler] = {}

    def route(self, method: str, path: str, handler: Handler) -> None:
        self.handlers[path] = handler


def parts(unready: dict[str, str]) -> tuple[Manual, LoopWatch, Routes]:
    clock, metrics, routes = Manual(), Metrics(), Routes()
    watch = LoopWatch(clock, metrics, stuck=30.0)
    add_health(routes, watch, metrics, lambda: unready)
    return clock, watch, routes


async def asked(routes: Routes, path: str) -> tuple[int, str, bytes]:
    response = await routes.handlers[path](Request("GET", path, {}, {}, b""))
    return response.status, response.content_type, response.body


async def test_alive_while_the_loop_progresses() -> None:
    clock, watch, routes = parts({})
    await watch.start()
    assert (await asked(routes, "/livez"))[0] == 200
    clock.now += 29.0
    assert (await asked(routes, "/livez"))[0] == 200
    clock.now += 2.0
    status, _, body = await asked(routes, "/livez")
    assert status == 503
    assert json.loads(body) == {"alive": False, "loop_age_seconds": 31.0}


async def test_a_draining_process_is_not_killed_by_liveness() -> None:
    clock, watch, routes = parts({})
    await watch.drain()
    clock.now += 1000
    assert (await asked(routes, "/livez"))[0] == 200


async def test_the_watch_measures_how_late_the_loop_is() -> None:
    clock, watch, routes = parts({})
    clock.late = 0.25

    async def end_after_three() -> None:
        while clock.sleeps < 3:  # noqa: ASYNC110 — the clock under test is what advances
            await asyncio.sleep(0)
        await watch.drain()

    async with asyncio.TaskGroup() as group:
        group.create_task(watch.run())
        group.create_task(end_after_three())
    assert b"posthouse_loop_lag_seconds 0.25" in (await asked(routes, "/metrics"))[2]


async def test_ready_or_why_not() -> None:
    reasons = {"consumer": "no partitions yet"}
    _, _, routes = parts(reasons)
    status, content_type, body = await asked(routes, "/readyz")
    assert (status, content_type) == (503, "application/json")
    assert json.loads(body) == {"ready": False, "reasons": reasons}
    reasons.clear()
    status, _, body = await asked(routes, "/readyz")
    assert status == 200
    assert json.loads(body) == {"ready": True, "reasons": {}}


async def test_metrics_are_in_prometheus_form() -> None:
    _, _, routes = parts({})
    status, content_type, body = await asked(routes, "/metrics")
    assert status == 200
    assert content_type.startswith("text/plain; version=0.0.4")
    assert b"# TYPE posthouse_loop_lag_seconds gauge" in body
