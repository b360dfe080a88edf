"""A stub resolver on dnspython: asks the configured (or the system's) recursive resolvers.

Answers are kept for their TTL, within bounds; a name that many ask for at once is asked for once. "Does not exist" is
said only when a resolver said so: everything else that goes wrong is DnsTemporary.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.resolver
from dns.rdata import Rdata
from dns.rdtypes.ANY.TXT import TXT

from posthouse.ports.clock import Clock
from posthouse.ports.resolver import Answer, DnsTemporary

MIN_TTL = 5
MAX_TTL = 3600
NEGATIVE_TTL = 60
MAX_ENTRIES = 50_000


class StubResolver:
    """ports.Resolver. `validating`: the resolvers check DNSSEC and the way to them is safe, so their AD bit counts."""

    def __init__(
        self,
        clock: Clock,
        servers: Sequence[str] = (),
        *,
        port: int = 53,
        timeout: float = 5.0,
        validating: bool = False,
    ) -> None:
        self._clock = clock
        self._resolver = dns.asyncresolver.Resolver(configure=not servers)
        if servers:
            self._resolver.nameservers = list(servers)
            self._resolver.port = port
        self._resolver.lifetime = timeout
        self._resolver.timeout = min(timeout, 2.0)
        self._resolver.cache = None
        self._resolver.use_edns(0, dns.flags.DO if validating else 0, 1232)
        if validating:
            self._resolver.flags = dns.flags.RD | dns.flags.AD
        self._validating = validating
        self._cache: dict[tuple[str, str], tuple[float, Answer]] = {}
        self._asking: dict[tuple[str, str], asyncio.Task[Answer]] = {}

    async def lookup(self, name: str, kind: str) -> Answer:
        key = (name.rstrip(".").lower(), kind)
        cached = self._cache.get(key)
        if cached is not None and cached[0] > self._clock.monotonic():
            return cached[1]
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.ensure_future(self._ask(key))
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        # One caller that gives up must not take the answer from the others.
        return await asyncio.shield(task)

    async def _ask(self, key: tuple[str, str]) -> Answer:
        name, kind = key
        try:
            found = await self._resolver.resolve(name + ".", kind, search=False)
            rrset = found.rrset or ()
            authentic = self._validating and bool(found.response.flags & dns.flags.AD)
            ttl = min(max(found.rrset.ttl if found.rrset else NEGATIVE_TTL, MIN_TTL), MAX_TTL)
            answer = Answer(tuple([_text(record) for record in rrset]), True, authentic, ttl)
        except dns.resolver.NoAnswer as e:
            flags = e.kwargs["response"].flags
            answer = Answer((), True, self._validating and bool(flags & dns.flags.AD), NEGATIVE_TTL)
        except dns.resolver.NXDOMAIN:
            answer = Answer((), False, False, NEGATIVE_TTL)
        except (dns.exception.DNSException, OSError) as e:
            raise DnsTemporary(f"{name} {kind}: {type(e).__name__}: {e}") from e
        if len(self._cache) >= MAX_ENTRIES:
            del self._cache[next(iter(self._cache))]
        self._cache[key] = (self._clock.monotonic() + answer.ttl, answer)
        return answer


def _text(record: Rdata) -> str:
    if isinstance(record, TXT):
        # RFC 7208 §3.3: the strings of one record are joined without spaces.
        return b"".join(record.strings).decode("utf-8", "surrogateescape")
    return record.to_text().rstrip(".")
