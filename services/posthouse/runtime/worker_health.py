"""Probes and metrics of a parent and its workers: one port for all, answered by asking each worker on its own.

Worker `i` serves HTTP on loopback at the parent's port + 1 + `i`. Alive: every worker answers. Ready: every worker is.
Metrics: those of all workers, told apart by a label `worker`, so that counters of one do not overwrite another's.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from posthouse.ports.clock import Clock
from posthouse.runtime.component import Service
from posthouse.runtime.http import HttpServer, Request, Response
from posthouse.telemetry.metrics import CONTENT_TYPE

_TIMEOUT: Final = 5.0
_POLL: Final = 0.5
_MAX_ANSWER: Final = 16 << 20


async def get(port: int, path: str) -> tuple[int, bytes]:
    """Status and body of a GET to a worker; (0, b"") where it does not answer in time."""
    try:
        async with asyncio.timeout(_TIMEOUT):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_MAX_ANSWER)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: worker\r\n\r\n".encode())
                answer = await reader.read(-1)
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return 0, b""
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    return (int(words[1]), body) if len(words) == 3 and words[1].isdigit() else (0, b"")


def merge(expositions: Sequence[bytes]) -> bytes:
    """Several text expositions as one; every sample gets the label `worker` with its position."""
    families: dict[str, Metric] = {}
    for index, exposition in enumerate(expositions):
        for family in text_string_to_metric_families(exposition.decode("utf-8", "replace")):
            merged = families.get(family.name)
            if merged is None:
                merged = families[family.name] = Metric(family.name, family.documentation, family.type)
            merged.samples.extend(
                sample._replace(labels={**sample.labels, "worker": str(index)}) for sample in family.samples
            )

    class Merged(Collector):
        def collect(self) -> Iterable[Metric]:
            return families.values()

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Merged())
    return generate_latest(registry)


class WorkerHealth(Service):
    """Asks the workers twice a second whether they are ready, and answers for them."""

    name = "worker-health"

    def __init__(self, server: HttpServer, ports: Sequence[int], clock: Clock) -> None:
        """`ports`: HTTP port of each worker, by index."""
        self._ports = ports
        self._clock = clock
        self._reasons: dict[int, str] = dict.fromkeys(range(len(ports)), "not asked yet")
        self._draining = False
        server.route("GET", "/livez", self._livez)
        server.route("GET", "/readyz", self._readyz)
        server.route("GET", "/metrics", self._metrics)

    async def run(self) -> None:
        """Ask until the drain."""
        while not self._draining:
            answers = await asyncio.gather(*(get(port, "/readyz") for port in self._ports))
            self._reasons = {
                index: _reason(status, body) for index, (status, body) in enumerate(answers) if status != 200
            }
            await self._clock.sleep(_POLL)

    async def drain(self) -> None:
        """From now on not ready."""
        self._draining = True
        self._reasons = dict.fromkeys(range(len(self._ports)), "draining")

    def unready(self) -> str | None:
        """The reasons of the workers that are not ready."""
        return "; ".join(f"worker {index}: {reason}" for index, reason in self._reasons.items()) or None

    async def _livez(self, request: Request) -> Response:
        answers = await asyncio.gather(*(get(port, "/livez") for port in self._ports))
        dead = [index for index, (status, _) in enumerate(answers) if status != 200]
        # A worker that has not begun yet, or is being started again, is the supervisor's business.
        stuck = [index for index in dead if index not in self._reasons]
        return Response.of_json({"alive": not stuck, "stuck": stuck}, 503 if stuck else 200)

    async def _readyz(self, request: Request) -> Response:
        reason = self.unready()
        reasons = {} if reason is None else {self.name: reason}
        return Response.of_json({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)

    async def _metrics(self, request: Request) -> Response:
        answers = await asyncio.gather(*(get(port, "/metrics") for port in self._ports))
        return Response(200, CONTENT_TYPE, merge([body for _, body in answers]))


def _reason(status: int, body: bytes) -> str:
    if not status:
        return "does not answer"
    try:
        reasons = json.loads(body)["reasons"]
        return ", ".join(f"{part}: {why}" for part, why in reasons.items())
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"answers {status}"
