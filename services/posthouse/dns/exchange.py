"""One question to one upstream: UDP first, and TCP for whatever is odd about the reply.

Cut, with the question's case changed or missing, not to be read, or "I do not understand": over UDP each of these may
be forged, over TCP it is the server's own word. What it shows there is remembered for TRAIT_SECONDS: that it does not
keep the case of names (then none is drawn), or does not know EDNS (then none is sent, RFC 6891 §6.2.2). An upstream
with TLS is asked over TLS only.
"""

from __future__ import annotations

import ssl
from typing import Final

from posthouse.dns import response
from posthouse.dns.failure import OUTCOMES, ExchangeFailed, Outcome
from posthouse.dns.query import Echo, Question
from posthouse.dns.response import Malformed, Response
from posthouse.dns.stream import Stream
from posthouse.dns.udp import IGNORED, Token, UdpPool
from posthouse.dns.upstreams import Upstream
from posthouse.ports.clock import Clock
from posthouse.telemetry.metric_names import DNS_DATAGRAMS_IGNORED, DNS_QUERIES, DNS_QUERY_SECONDS
from posthouse.telemetry.metrics import Counter, Metrics

TRAIT_SECONDS: Final = 3600.0
STREAM_PATIENCE: Final = 2.0
"""Over TCP and TLS a query may take this many times as long: there are handshakes before it."""
_NOT_UNDERSTOOD: Final = frozenset({response.FORMERR, response.NOTIMP, response.BADVERS})


class Exchange:
    """The ways to one upstream. Sockets are opened when first needed."""

    def __init__(
        self,
        upstream: Upstream,
        clock: Clock,
        token: Token,
        metrics: Metrics,
        *,
        authentic: bool,
        tls: ssl.SSLContext | None,
    ) -> None:
        """`authentic`: ask it whether answers were validated. `tls`: where the upstream has it."""
        if upstream.tls != (tls is not None):
            raise ValueError(f"{upstream}: TLS on one side only")
        self.upstream = upstream
        self._clock = clock
        self._authentic = authentic
        self._case_lost_until = self._no_edns_until = 0.0
        label = str(upstream)
        ignored = {why: metrics.counter(DNS_DATAGRAMS_IGNORED, label, why) for why in IGNORED}

        def count(why: str) -> None:
            ignored[why].value += 1

        self._udp = UdpPool(upstream, clock, token, count)
        self._stream = Stream(upstream, token, tls)
        self._stream_name = "tls" if upstream.tls else "tcp"
        self._outcomes: dict[tuple[str, str], Counter] = {
            (transport, outcome): metrics.counter(DNS_QUERIES, label, transport, outcome)
            for transport in ("udp", self._stream_name)
            for outcome in ("answered", "odd", *OUTCOMES)
        }
        self._seconds = metrics.histogram(DNS_QUERY_SECONDS, label)

    async def ask(self, question: Question, timeout: float) -> Response:
        """An answer with NOERROR or NXDOMAIN. `timeout`: seconds for a datagram. Raises ExchangeFailed."""
        started = self._clock.monotonic()
        transport, found = "udp", None
        try:
            if not self.upstream.tls:
                found = await self._over_udp(question, timeout)
            if found is None:
                if not self.upstream.tls:
                    self._outcomes["udp", "odd"].value += 1
                transport = self._stream_name
                found = await self._over_stream(question, timeout * STREAM_PATIENCE)
        except ExchangeFailed as e:
            self._outcomes[transport, e.outcome].value += 1
            raise
        self._outcomes[transport, "answered"].value += 1
        self._seconds.observe(self._clock.monotonic() - started)
        return found

    def close(self) -> None:
        self._udp.close()
        self._stream.close()

    async def _over_udp(self, question: Question, timeout: float) -> Response | None:
        """None where the reply is odd."""
        now = self._clock.monotonic()
        reply, how = await self._udp.ask(
            question,
            timeout,
            case=now >= self._case_lost_until,
            edns=now >= self._no_edns_until,
            authentic=self._authentic,
        )
        if how is not Echo.EXACT or response.truncated(reply):
            return None
        try:
            found = response.parse(reply, question)
        except Malformed:
            return None
        return None if found.rcode in _NOT_UNDERSTOOD else _usable(found)

    async def _over_stream(self, question: Question, timeout: float) -> Response:
        now = self._clock.monotonic()
        edns = now >= self._no_edns_until
        found, how = await self._once_over_stream(question, timeout, edns)
        if edns and found.rcode in _NOT_UNDERSTOOD:
            found, how = await self._once_over_stream(question, timeout, False)
            if found.rcode not in _NOT_UNDERSTOOD:
                self._no_edns_until = now + TRAIT_SECONDS
        if how is Echo.CASE_LOST:
            self._case_lost_until = now + TRAIT_SECONDS
        usable = _usable(found)
        if how is Echo.MISSING:
            raise ExchangeFailed("malformed", "an answer without its question")
        return usable

    async def _once_over_stream(self, question: Question, timeout: float, edns: bool) -> tuple[Response, Echo]:
        reply, how = await self._stream.ask(question, timeout, edns=edns, authentic=self._authentic)
        if response.truncated(reply):
            raise ExchangeFailed("malformed", f"cut even over {self._stream_name.upper()}")
        try:
            return response.parse(reply, question), how
        except Malformed as e:
            raise ExchangeFailed("malformed", str(e)) from e


def _usable(found: Response) -> Response:
    """Raises ExchangeFailed where it is a failure: never "does not exist"."""
    if found.rcode in {response.NOERROR, response.NXDOMAIN}:
        return found
    outcome: Outcome = "servfail" if found.rcode == response.SERVFAIL else "refused"
    raise ExchangeFailed(outcome, found.detail)
