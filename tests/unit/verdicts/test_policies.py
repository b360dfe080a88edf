"""The policy above a recipient, where a level's cannot be read."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from harness.fake_ports import FakeDirectory
from posthouse.engines.sqlite import Engine
from posthouse.model.envelope import Rcpt
from posthouse.model.errors import Invalid
from posthouse.model.filter_policy import FilterPolicy
from posthouse.model.ids import DomainName, TenantName
from posthouse.runtime.system import SystemClock, SystemIds
from posthouse.store.directory.cache import CachedDirectory
from posthouse.store.directory.directory import TableDirectory
from posthouse.store.directory.sqlite import SqliteDirectoryTable
from posthouse.verdicts.policies import AT_ONCE, policies_for, policy_for

RCPT = Rcpt("ann@example.org", None, tenant=TenantName("t"), domain=DomainName("example.org"))


@pytest.mark.parametrize(
    "document", ["{", "[]", '{"dmarc": "newer"}', '{"junk": "high"}', '{"block": 7}', '{"junk": 200}']
)
async def test_a_level_that_cannot_be_read_says_nothing_and_the_others_hold(tmp_path: Path, document: str) -> None:
    async with Engine(tmp_path / "posthouse.db") as engine:
        table = SqliteDirectoryTable(engine, SystemClock())
        directory = CachedDirectory(TableDirectory(table, SystemIds()), SystemClock())
        await table.put_policy("domain:example.org", document)
        await directory.set_filter_policy("tenant:t", FilterPolicy(junk=3.0))
        for _ in range(2):
            assert (await policy_for(directory, RCPT)).junk == 3.0
        with pytest.raises(Invalid, match=r"the policy of domain:example\.org"):
            await directory.filter_policy("domain:example.org")


async def test_policies_of_a_long_list_are_read_some_at_once_and_stand_in_order() -> None:
    under_way = most = 0

    class Slow(FakeDirectory):
        async def filter_policy(self, scope: str) -> FilterPolicy:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1
            return await super().filter_policy(scope)

    directory = Slow()
    rcpts = [replace(RCPT, domain=DomainName(f"d{place}.example")) for place in range(100)]
    for place in range(100):
        directory.policies[f"domain:d{place}.example"] = FilterPolicy(junk=float(place))
    found = await policies_for(directory, rcpts)  # type: ignore[arg-type]
    assert [policy.junk for policy in found] == [float(place) for place in range(100)]
    assert most == AT_ONCE
