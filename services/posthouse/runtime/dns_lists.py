"""DNS lists as configured, with the resolver of the process: what they say of an address, of domains, of hosts.

A message waits `dnslists.deadline` at most; what has not answered says nothing. Lists are tested at start and every
hour by the entries that RFC 5782 §5 prescribes: one that lists what none may is left out until it is well again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from posthouse.dns.budget import BudgetedResolver, RememberingResolver
from posthouse.model.reputation import ListHit
from posthouse.ports.clock import Clock
from posthouse.reputation.dnslists import Job, Outcome, Query, address_queries, ask, name_queries, self_test
from posthouse.reputation.list_entry import DnsList, parse_lists
from posthouse.runtime.component import Service
from posthouse.runtime.evidence_sections import DnsListSettings
from posthouse.telemetry.logging import EventLogger
from posthouse.telemetry.metric_names import DNS_LIST_LOOKUPS, DNS_LIST_TRUSTED
from posthouse.telemetry.metrics import Metrics

log = EventLogger("posthouse.dns_lists")

EVERY: Final = 3600.0
"""Seconds between two tests of all lists."""


class DnsLists(Service):
    name = "dns-lists"

    def __init__(
        self, resolver: RememberingResolver, clock: Clock, metrics: Metrics, settings: DnsListSettings
    ) -> None:
        self._resolver = resolver
        self._clock = clock
        self._metrics = metrics
        self._settings = settings
        self._lists = parse_lists(settings.lists)
        self._trusted: tuple[DnsList, ...] = self._lists
        self._ended = asyncio.Event()

    @property
    def asks_for_names(self) -> bool:
        return any(each.kinds & {"domain", "uri"} for each in self._lists)

    @property
    def asks_for_hosts(self) -> bool:
        """Whether the links of a message need be read."""
        return any("uri" in each.kinds for each in self._lists)

    async def of_address(self, ip: str) -> tuple[ListHit, ...]:
        return await self._ask(address_queries(self._trusted, ip))

    async def of_names(self, domains: Iterable[str], hosts: Iterable[str]) -> tuple[ListHit, ...]:
        """`domains`: of those who sent it. `hosts`: of its links."""
        most = self._settings.names
        return await self._ask(
            [
                *name_queries(self._trusted, "domain", domains, most=most),
                *name_queries(self._trusted, "uri", hosts, most=most),
            ]
        )

    async def start(self) -> None:
        await self._test()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            turning = tasks.create_task(self._repeat())
            await self._ended.wait()
            turning.cancel()

    async def drain(self) -> None:
        self._ended.set()

    async def _repeat(self) -> None:
        while True:
            await self._clock.sleep(EVERY)
            await self._test()

    async def _ask(self, queries: Sequence[Query]) -> tuple[ListHit, ...]:
        if not queries:
            return ()
        unique = list(dict.fromkeys(queries))
        return await ask(unique, self._budget(len(unique)), _together, self._count)

    def _budget(self, lookups: int) -> BudgetedResolver:
        return BudgetedResolver(self._resolver, self._clock, seconds=self._settings.deadline, lookups=lookups)

    def _count(self, zone: str, outcome: Outcome) -> None:
        self._metrics.counter(DNS_LIST_LOOKUPS, zone, outcome).value += 1

    async def _test(self) -> None:
        if not self._settings.check:
            return
        budget = self._budget(2 * len(self._lists))
        faults = await asyncio.gather(*(self_test(each, budget) for each in self._lists))
        trusted = []
        for each, fault in zip(self._lists, faults, strict=True):
            if fault is not None:
                log.warning("a DNS list is not well", list=each.zone, fault=fault.text, left_out=fault.lists_anybody)
            well = fault is None or not fault.lists_anybody
            if well:
                trusted.append(each)
            self._metrics.gauge(DNS_LIST_TRUSTED, each.zone).value = float(well)
        self._trusted = tuple(trusted)


async def _together(jobs: Sequence[Job]) -> None:
    if len(jobs) == 1:
        await jobs[0]()
        return
    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(_finished(job))


async def _finished(job: Job) -> None:
    await job()


def make_dns_lists(
    settings: DnsListSettings, resolver: RememberingResolver | None, clock: Clock, metrics: Metrics
) -> DnsLists | None:
    """None where no list is configured."""
    if not settings.lists or resolver is None:
        return None
    return DnsLists(resolver, clock, metrics, settings)
