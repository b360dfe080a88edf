"""The policy above a recipient, where a level's cannot be read."""

from pathlib import Path

import pytest

from posthouse.engines.sqlite import Engine
from posthouse.model.envelope import Rcpt
from posthouse.model.errors import Invalid
from posthouse.model.filter_policy import FilterPolicy
from posthouse.model.ids import DomainName, TenantName
from posthouse.runtime.system import SystemClock, SystemIds
from posthouse.store.directory.cache import CachedDirectory
from posthouse.store.directory.directory import TableDirectory
from posthouse.store.directory.sqlite import SqliteDirectoryTable
from posthouse.verdicts.policies import policy_for

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
