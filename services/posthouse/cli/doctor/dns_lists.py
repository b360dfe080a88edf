"""The configured DNS lists, by the entries that each must have and must not have."""

from __future__ import annotations

import asyncio

from posthouse.cli.doctor.finding import Finding, fail, ok, warn
from posthouse.composition.dns import make_resolver
from posthouse.dns.budget import BudgetedResolver
from posthouse.reputation.dnslists import self_test
from posthouse.reputation.list_entry import parse_lists
from posthouse.runtime.evidence_sections import DnsListSettings
from posthouse.runtime.sections import DnsSettings
from posthouse.runtime.settings import Settings
from posthouse.runtime.system import SystemClock, SystemIds
from posthouse.telemetry.metrics import Metrics


async def dns_lists(settings: Settings) -> list[Finding]:
    """Nothing where none is configured."""
    lists = parse_lists(settings.section(DnsListSettings).lists)
    if not lists:
        return []
    clock = SystemClock()
    dns = settings.section(DnsSettings)
    resolver = make_resolver(dns, clock, SystemIds(), Metrics())
    budget = BudgetedResolver(resolver, clock, seconds=2 * dns.deadline, lookups=2 * len(lists))
    try:
        faults = await asyncio.gather(*(self_test(each, budget) for each in lists))
    finally:
        await resolver.close()
    found = []
    for each, fault in zip(lists, faults, strict=True):
        if fault is None:
            found.append(ok("DNS list", f"{each.zone} answers as it should"))
        elif fault.lists_anybody:
            found.append(fail("DNS list", f"{each.zone} {fault.text}", "take it out of dnslists.lists"))
        else:
            fix = "see its terms of use; ask by a resolver of your own (dns.upstreams), or take it out"
            found.append(warn("DNS list", f"{each.zone} {fault.text}", fix))
    return found
