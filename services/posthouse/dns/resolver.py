"""The resolver of the platform: cached, each question asked once at a time, over several upstreams.

A look-up is answered from the cache, joins one under way for the same name and type, or starts one. What is started
belongs to the resolver and not to who asked first: it ends by itself within the deadline and fills the cache, whoever
has given up meanwhile. "Does not exist" is said only where an upstream said so; whatever goes wrong (silence, SERVFAIL,
REFUSED, what cannot be read, CNAMEs without end) is DnsTemporary, and for a few seconds it is not asked again.

Where an answer past its TTL is known, who asks waits STALE_WAIT_SECONDS for a new one and then gets the old one
(RFC 8767 §5). The AD bit counts only where the upstreams are configured as validating. Not here: deadlines and counts
per message (budget.py), zones of one's own (zones.py).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from posthouse.dns.cache import AnswerCache, Bounds, Key
from posthouse.dns.exchange import Exchange
from posthouse.dns.failure import BLAMELESS, FINAL, ExchangeFailed
from posthouse.dns.query import KINDS, Question, wire_name
from posthouse.dns.response import MAX_CNAMES, NXDOMAIN, Response
from posthouse.dns.udp import Token
from posthouse.dns.upstreams import Health, Upstream, due, order
from posthouse.ports.clock import Clock
from posthouse.ports.resolver import Answer, DnsTemporary
from posthouse.telemetry.metric_names import DNS_CACHE_BYTES, DNS_CACHE_ENTRIES, DNS_LOOKUPS, DNS_UPSTREAM_WELL
from posthouse.telemetry.metrics import Metrics

STALE_WAIT_SECONDS: Final = 1.8
"""RFC 8767 §5: client response timer."""
MAX_FLIGHTS: Final = 5000
"""Look-ups under way; more are refused, so that a flood of names cannot take the memory."""
_ROUNDS: Final = 3
"""How often each upstream is asked, each time with twice the patience; the deadline may come before."""
_ROOT: Final = Question(b"\0", "NS")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds."""

    datagram: float = 1.5
    """For the first reply over UDP."""
    lookup: float = 5.0
    """For a whole look-up, every upstream and repetition."""


class CachingResolver:
    """ports.Resolver. To be made and closed on the loop that uses it."""

    def __init__(
        self,
        clock: Clock,
        token: Token,
        upstreams: Sequence[Upstream],
        *,
        metrics: Metrics | None = None,
        bounds: Bounds | None = None,
        patience: Patience | None = None,
        validating: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`token`: ports.Ids.token. `validating`: the upstreams check DNSSEC and the way to them is safe, so their AD
        bit counts. `tls`: for the upstreams with TLS; must check certificate and name."""
        if not upstreams:
            raise ValueError("no upstream")
        metrics = metrics or Metrics()
        self._clock = clock
        self._cache = AnswerCache(bounds or Bounds())
        self._patience = patience or Patience()
        self._validating = validating
        self._exchanges = [
            Exchange(it, clock, token, metrics, authentic=validating, tls=tls if it.tls else None) for it in upstreams
        ]
        self._health = [Health() for _ in upstreams]
        self._flights: dict[Key, asyncio.Task[Answer | DnsTemporary]] = {}
        self._probes: set[asyncio.Task[None]] = set()
        self._closed = False
        self._cached, self._asked, self._shared, self._stale, self._failed = [
            metrics.counter(DNS_LOOKUPS, outcome) for outcome in ("cached", "asked", "shared", "stale", "failed")
        ]
        for upstream, health in zip(upstreams, self._health, strict=True):
            metrics.gauge_from(DNS_UPSTREAM_WELL, _wellness(health), str(upstream))
        metrics.gauge_from(DNS_CACHE_ENTRIES, lambda: len(self._cache))
        metrics.gauge_from(DNS_CACHE_BYTES, lambda: self._cache.octets)

    async def lookup(self, name: str, kind: str) -> Answer:
        """ports.Resolver."""
        answer = self.remembered(name, kind)
        if answer is not None:
            return answer
        return await self._absent((name.lower().removesuffix("."), kind))

    def remembered(self, name: str, kind: str) -> Answer | None:
        """What lookup() would answer from the cache, within its TTL."""
        answer = self._cache.fresh((name.lower().removesuffix("."), kind), self._clock.monotonic())
        if answer is not None:
            self._cached.value += 1
        return answer

    async def close(self) -> None:
        """Ends what is under way and closes the sockets."""
        self._closed = True
        ending = [*self._flights.values(), *self._probes]
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending)
        for exchange in self._exchanges:
            exchange.close()

    async def _absent(self, key: Key) -> Answer:
        """Not in the cache, or too old."""
        name, kind = key
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is not one of {', '.join(KINDS)}")
        wire = wire_name(name)
        if wire is None:
            return Answer((), exists=False)
        now = self._clock.monotonic()
        stale = self._cache.stale(key, now)
        failure = self._cache.failure(key, now)
        if failure is not None:
            if stale is not None:
                self._stale.value += 1
                return stale
            self._failed.value += 1
            raise DnsTemporary(failure)
        flight = self._flight(key, wire)
        # Not `await flight`: one who gives up must not take the answer from the others.
        await asyncio.wait((flight,), timeout=STALE_WAIT_SECONDS if stale is not None else None)
        outcome = DnsTemporary("closed")
        if flight.done() and not flight.cancelled():
            answer = flight.result()
            if isinstance(answer, Answer):
                return answer
            outcome = answer
        if stale is not None:
            self._stale.value += 1
            return stale
        self._failed.value += 1
        raise DnsTemporary(outcome.reason)

    def _flight(self, key: Key, wire: bytes) -> asyncio.Task[Answer | DnsTemporary]:
        flight = self._flights.get(key)
        if flight is not None:
            self._shared.value += 1
            return flight
        if self._closed or len(self._flights) >= MAX_FLIGHTS:
            self._failed.value += 1
            raise DnsTemporary("closed" if self._closed else f"{MAX_FLIGHTS} look-ups are under way")
        self._asked.value += 1
        flight = self._flights[key] = asyncio.get_running_loop().create_task(self._fly(key, wire))
        flight.add_done_callback(lambda _: self._flights.pop(key, None))
        self._probe()
        return flight

    async def _fly(self, key: Key, wire: bytes) -> Answer | DnsTemporary:
        """The failure is returned, for nobody may be left who waits for it."""
        try:
            async with asyncio.timeout(self._patience.lookup):
                answer = await self._follow(Question(wire, key[1]))
        except TimeoutError:
            reason = f"{key[0]} {key[1]}: no answer in {self._patience.lookup:g} s"
        except ExchangeFailed as e:
            reason = f"{key[0]} {key[1]}: {e}"
        else:
            return self._cache.put(key, answer, self._clock.monotonic())
        self._cache.failed(key, reason, self._clock.monotonic())
        return DnsTemporary(reason)

    async def _follow(self, question: Question) -> Answer:
        """Asks on where the reply ends at a CNAME. Raises ExchangeFailed."""
        ttl, authentic = None, self._validating
        for _ in range(MAX_CNAMES + 1):
            found = await self._ask(question)
            ttl = found.ttl if ttl is None else min(ttl, found.ttl)
            authentic = authentic and found.authentic
            if found.next is None:
                return Answer(found.records, found.rcode != NXDOMAIN, authentic, ttl)
            question = Question(found.next, question.kind)
        raise ExchangeFailed("malformed", f"more than {MAX_CNAMES} CNAMEs")

    async def _ask(self, question: Question) -> Response:
        """Over the upstreams until one answers. Raises ExchangeFailed, of all of them together."""
        said: dict[int, str] = {}
        spent: set[int] = set()
        for turn in range(_ROUNDS):
            for at in order(self._health, self._clock.monotonic()):
                if at in spent:
                    continue
                exchange = self._exchanges[at]
                try:
                    found = await exchange.ask(question, self._patience.datagram * 2**turn)
                except ExchangeFailed as e:
                    said[at] = f"{exchange.upstream}: {e}"
                    self._judge(at, e)
                    if e.outcome in FINAL:
                        spent.add(at)
                else:
                    self._health[at].answered()
                    return found
        raise ExchangeFailed("timeout", "; ".join(said.values()))

    def _judge(self, at: int, failure: ExchangeFailed) -> None:
        if failure.outcome not in BLAMELESS:
            self._health[at].failed(self._clock.monotonic())
        elif failure.outcome == "servfail":
            self._health[at].answered()

    def _probe(self) -> None:
        """Asks one that was unwell whether it is well again; nobody waits for that."""
        at = due(self._health, self._clock.monotonic())
        if at is not None:
            task = asyncio.get_running_loop().create_task(self._probed(at))
            self._probes.add(task)
            task.add_done_callback(self._probes.discard)

    async def _probed(self, at: int) -> None:
        try:
            await self._exchanges[at].ask(_ROOT, self._patience.datagram)
        except ExchangeFailed as e:
            self._judge(at, e)
        else:
            self._health[at].answered()
        finally:
            self._health[at].probing = False


def _wellness(health: Health) -> Callable[[], float]:
    return lambda: float(health.well)
