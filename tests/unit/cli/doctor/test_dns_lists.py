import pytest

from posthouse.cli.doctor import dns_lists as module
from posthouse.cli.doctor.dns_lists import dns_lists
from posthouse.cli.schema import schema
from posthouse.dns.zones import ZoneResolver
from posthouse.runtime.settings_load import load

ZONES = {
    "2.0.0.127.good.test": {"A": ["127.0.0.2"]},
    "2.0.0.127.dead.test": {"A": ["127.0.0.2"]},
    "1.0.0.127.dead.test": {"A": ["127.0.0.2"]},
    "test.refusing.test": {"A": ["127.255.255.254"]},
}


class Resolver(ZoneResolver):
    closed = 0

    async def close(self) -> None:
        type(self).closed += 1


async def test_each_list_is_asked_for_its_test_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "make_resolver", lambda *_: Resolver(ZONES))
    entries = "good.test ip 127.0.0.2=1,dead.test ip 127.0.0.2=1,refusing.test uri 127.0.0.2=1"
    found = await dns_lists(load(schema(), overrides=[f"dnslists.lists={entries}"]))
    assert [(finding.state, finding.text.split()[0]) for finding in found] == [
        ("ok", "good.test"),
        ("fail", "dead.test"),
        ("warn", "refusing.test"),
    ]
    assert "lists 127.0.0.1" in found[1].text
    assert "127.255.255.254" in found[2].text
    assert Resolver.closed == 1


async def test_without_lists_nobody_is_asked() -> None:
    assert await dns_lists(load(schema())) == []
