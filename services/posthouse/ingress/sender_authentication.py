"""Who a message comes from, found out before its 250: SPF, DKIM, ARC, DMARC, under one budget of DNS time and look-ups.

A DNS that does not answer in time makes `temperror` and never a refusal. Clients of trusted networks are not looked at:
they are ours, or relays that looked themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from posthouse.dns.budget import BudgetedResolver, RememberingResolver
from posthouse.ingress.authentication_settings import AuthenticationSettings
from posthouse.ingress.proxied import networks
from posthouse.mailauth.dkim.keys import KeyCache
from posthouse.mailauth.dkim.message import hashed
from posthouse.mailauth.dmarc.evaluate import Evaluation
from posthouse.mailauth.evaluate import Caches, Client, Findings, Job, authenticate
from posthouse.mailauth.evaluate import Settings as Checks
from posthouse.model.authentication import AuthenticationResults, AuthResult, DkimResult, DmarcResult, SpfResult
from posthouse.ports.clock import Clock
from posthouse.telemetry.logging import EventLogger
from posthouse.telemetry.metric_names import AUTHENTICATION_RESULTS, AUTHENTICATION_SECONDS
from posthouse.telemetry.metrics import Metrics

log = EventLogger("posthouse.ingress.authentication")

AT_ONCE: Final = 262_144
"""Octets up to which a message is hashed on the spot, in a millisecond or two; a larger one in a thread."""
MOST_CLIENTS: Final = 10_000
"""Of which it is remembered whether their mail is looked at."""
_UNKNOWN: Final = DmarcResult(AuthResult.TEMPERROR, reason="not judged")
BROKEN: Final = Findings(
    AuthenticationResults(
        spf=SpfResult(AuthResult.TEMPERROR, ""), dkim=(DkimResult(AuthResult.TEMPERROR),), dmarc=_UNKNOWN
    ),
    Evaluation(_UNKNOWN),
)


class SenderAuthentication:
    def __init__(
        self,
        resolver: RememberingResolver,
        clock: Clock,
        metrics: Metrics,
        settings: AuthenticationSettings,
        *,
        hostname: str,
    ) -> None:
        self._resolver = resolver
        self._clock = clock
        self._metrics = metrics
        self._settings = settings
        self._checks = Checks(receiver=hostname, iprev=settings.iprev, arc=settings.arc, bimi=settings.bimi)
        self._caches = Caches(keys=KeyCache())
        self._trusted = networks(settings.trusted_networks)
        self._looked_at: dict[str, bool] = {}
        self._seconds = metrics.histogram(AUTHENTICATION_SECONDS)

    def looks_at(self, ip: str) -> bool:
        """Whether messages of that client are authenticated at all."""
        known = self._looked_at.get(ip)
        if known is None:
            address = _address(ip)
            known = address is not None and not any(address in network for network in self._trusted)
            if len(self._looked_at) >= MOST_CLIENTS:
                self._looked_at.clear()
            self._looked_at[ip] = known
        return known

    async def look(self, client: Client, octets: bytes) -> Findings:
        """What breaks is a temperror, as a DNS that does not answer: mail is not refused for a mistake of ours."""
        began = self._clock.monotonic()
        try:
            findings = await self._look(client, octets)
        except Exception as error:  # foreign octets, foreign records: whatever they do to the checks, the mail goes on
            log.error("sender authentication broke", exc_info=error)
            findings = BROKEN
        self._seconds.observe(self._clock.monotonic() - began)
        self._count(findings)
        return findings

    async def _look(self, client: Client, octets: bytes) -> Findings:
        message = await asyncio.to_thread(hashed, octets) if len(octets) > AT_ONCE else octets
        budget = BudgetedResolver(
            self._resolver, self._clock, seconds=self._settings.deadline, lookups=self._settings.lookups
        )
        return await authenticate(
            message, client, budget, self._clock.now_us() / 1e6, self._checks, self._caches, _together
        )

    def _count(self, findings: Findings) -> None:
        results = findings.results
        best = AuthResult.PASS if any(each.result is AuthResult.PASS for each in results.dkim) else None
        dkim = best or (results.dkim[0].result if results.dkim else AuthResult.NONE)
        for method, result in (
            ("spf", results.spf.result if results.spf else None),
            ("dkim", dkim),
            ("arc", results.arc.result if results.arc else None),
            ("dmarc", results.dmarc.result if results.dmarc else None),
            ("iprev", results.iprev.result if results.iprev else None),
        ):
            if result is not None:
                self._metrics.counter(AUTHENTICATION_RESULTS, method, result.value).value += 1


async def _together(jobs: Sequence[Job]) -> None:
    """The checks wait for different names: at the same time."""
    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(_finished(job))


async def _finished(job: Callable[[], object]) -> None:
    await job()  # type: ignore[misc]


def _address(ip: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(ip)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
