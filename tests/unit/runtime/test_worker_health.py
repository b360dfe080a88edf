"""Probes and metrics of a parent and its workers, with the workers' answers given."""

import asyncio
import json

import pytest

from posthouse.runtime import worker_health
from posthouse.runtime.http import Handler, HttpServer, Request
from posthouse.runtime.worker_health import WorkerHealth, merge
from posthouse.telemetry.metric_names import ACCEPT_SECONDS, ACCEPTED_RCPTS
from posthouse.telemetry.metrics import Metrics

READY = (200, b'{"ready":true,"reasons":{}}')
NOT = (503, b'{"ready":false,"reasons":{"consumer":"no partitions yet"}}')
SILENT = (0, b"")


class Turn:
    """A clock whose sleep ends the run."""

    def now_us(self) -> int:
        return 0

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


class Routes(HttpServer):
    """Only collects the handlers."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1", 0)
        self.handlers: dict[str, Handler] = {}

    def route(self, method: str, path: str, handler: Handler) -> None:
        self.handlers[path] = handler

    async def ask(self, path: str) -> tuple[int, bytes]:
        response = await self.handlers[path](Request("GET", path, {}, {}, b""))
        return response.status, response.body


class Workers:
    """What each worker answers, by port and path."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: dict[tuple[int, str], tuple[int, bytes]] = {}
        monkeypatch.setattr(worker_health, "get", self.get)

    async def get(self, port: int, path: str) -> tuple[int, bytes]:
        return self.answers.get((port, path), SILENT)


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Workers:
    return Workers(monkeypatch)


async def polled(health: WorkerHealth) -> None:
    task = asyncio.ensure_future(health.run())
    for _ in range(10):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])


async def test_ready_when_every_worker_is(workers: Workers) -> None:
    routes = Routes()
    health = WorkerHealth(routes, [9001, 9002], Turn())
    assert health.unready() == "worker 0: not asked yet; worker 1: not asked yet"
    workers.answers = {(9001, "/readyz"): READY, (9002, "/readyz"): NOT}
    await polled(health)
    assert health.unready() == "worker 1: consumer: no partitions yet"
    status, body = await routes.ask("/readyz")
    assert status == 503
    assert json.loads(body)["reasons"] == {"worker-health": "worker 1: consumer: no partitions yet"}
    workers.answers[9002, "/readyz"] = READY
    await polled(health)
    assert (await routes.ask("/readyz"))[0] == 200


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(SILENT, "does not answer"), ((500, b"oops"), "answers 500"), ((503, b"[]"), "answers 503")],
)
async def test_odd_answers(workers: Workers, answer: tuple[int, bytes], reason: str) -> None:
    health = WorkerHealth(Routes(), [9001], Turn())
    workers.answers = {(9001, "/readyz"): answer}
    await polled(health)
    assert health.unready() == f"worker 0: {reason}"


async def test_alive_while_no_ready_worker_is_stuck(workers: Workers) -> None:
    routes = Routes()
    health = WorkerHealth(routes, [9001, 9002], Turn())
    assert (await routes.ask("/livez"))[0] == 200, "workers that have not begun are not stuck"
    workers.answers = {(9001, "/readyz"): READY, (9002, "/readyz"): READY, (9001, "/livez"): (200, b"")}
    await polled(health)
    status, body = await routes.ask("/livez")
    assert (status, json.loads(body)) == (503, {"alive": False, "stuck": [1]})


async def test_draining_is_not_ready(workers: Workers) -> None:
    health = WorkerHealth(Routes(), [9001], Turn())
    workers.answers = {(9001, "/readyz"): READY}
    await polled(health)
    await health.drain()
    assert health.unready() == "worker 0: draining"


async def test_metrics_of_all_workers_are_told_apart(workers: Workers) -> None:
    expositions = []
    for count in (3, 4):
        metrics = Metrics()
        metrics.counter(ACCEPTED_RCPTS, "mx").value = count
        metrics.histogram(ACCEPT_SECONDS, "mx").observe(0.001)
        expositions.append(metrics.render())
    routes = Routes()
    WorkerHealth(routes, [9001, 9002], Turn())
    workers.answers = {(9001 + index, "/metrics"): (200, text) for index, text in enumerate(expositions)}
    body = (await routes.ask("/metrics"))[1].decode()
    assert body.count("# TYPE posthouse_accepted_rcpts_total counter") == 1
    assert 'posthouse_accepted_rcpts_total{process="mx",worker="0"} 3.0' in body
    assert 'posthouse_accepted_rcpts_total{process="mx",worker="1"} 4.0' in body
    assert 'posthouse_accept_seconds_bucket{le="+Inf",process="mx",worker="1"} 1.0' in body


def test_nothing_merged_is_nothing() -> None:
    assert merge([]) == b""
    assert merge([b"", b""]) == b""
