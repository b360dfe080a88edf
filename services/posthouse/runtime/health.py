"""/livez, /readyz and /metrics.

Alive means: the event loop progresses. A loop that is stuck does not answer at all; one whose heartbeat is late by more
than `stuck` seconds answers 503. Liveness asks nothing else, since restarting a pod does not mend Cassandra.
Ready means: the lifecycle is in its ready state and no component has a reason against it; the reasons are in the JSON.
"""

from collections.abc import Callable, Mapping
from typing import Final

from posthouse.ports.clock import Clock
from posthouse.runtime.component import Service
from posthouse.runtime.http import HttpServer, Request, Response
from posthouse.telemetry.metric_names import LOOP_LAG_SECONDS
from posthouse.telemetry.metrics import CONTENT_TYPE, Metrics

_BEAT: Final = 1.0
"""Seconds between heartbeats."""


class LoopWatch(Service):
    """Beats once a second on the event loop and measures how late it was."""

    name = "loop"

    def __init__(self, clock: Clock, metrics: Metrics, *, stuck: float = 30.0) -> None:
        """`stuck`: seconds without a heartbeat after which the process counts as dead."""
        self._clock = clock
        self._lag = metrics.gauge(LOOP_LAG_SECONDS)
        self._stuck = stuck
        self._last = clock.monotonic()
        self._draining = False

    async def start(self) -> None:
        """The first beat."""
        self._last = self._clock.monotonic()

    async def run(self) -> None:
        """Beat until the drain."""
        while not self._draining:
            await self._clock.sleep(_BEAT)
            now = self._clock.monotonic()
            self._lag.value = max(0.0, now - self._last - _BEAT)
            self._last = now

    async def drain(self) -> None:
        """The beat under way is the last."""
        self._draining = True

    def age(self) -> float:
        """Seconds since the last beat."""
        return self._clock.monotonic() - self._last

    def alive(self) -> bool:
        """Whether the loop has progressed lately. While it drains, the lifecycle's deadline is what bounds it."""
        return self._draining or self.age() < self._stuck


def add_health(
    server: HttpServer, watch: LoopWatch, metrics: Metrics, unready: Callable[[], Mapping[str, str]]
) -> None:
    """Put the three routes onto the server. `unready`: reasons by component, empty when ready."""

    async def livez(request: Request) -> Response:
        alive = watch.alive()
        return Response.of_json({"alive": alive, "loop_age_seconds": round(watch.age(), 3)}, 200 if alive else 503)

    async def readyz(request: Request) -> Response:
        reasons = dict(unready())
        return Response.of_json({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)

    async def scrape(request: Request) -> Response:
        return Response(200, CONTENT_TYPE, metrics.render())

    server.route("GET", "/livez", livez)
    server.route("GET", "/readyz", readyz)
    server.route("GET", "/metrics", scrape)
