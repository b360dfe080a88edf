"""iprev, RFC 8601 §3: each result, the bound, and addresses in several spellings."""

from collections.abc import Mapping, Sequence

import pytest

from posthouse.dns.zones import ZoneResolver
from posthouse.mailauth.iprev import MAX_NAMES, check_iprev
from posthouse.model.authentication import AuthResult, IprevResult
from posthouse.ports.resolver import Answer

REVERSE = "1.2.0.192.in-addr.arpa"
REVERSE6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"


class CountingResolver(ZoneResolver):
    asked = 0

    async def lookup(self, name: str, kind: str) -> Answer:
        self.asked += 1
        return await super().lookup(name, kind)


@pytest.mark.parametrize(
    ("zones", "failing", "expected"),
    [
        ({}, [], "permerror"),
        ({}, [REVERSE], "temperror"),
        ({REVERSE: {"PTR": ["a.example"]}}, [], "fail"),
        ({REVERSE: {"PTR": ["a.example"]}, "a.example": {"A": ["192.0.2.2"], "AAAA": ["::1"]}}, [], "fail"),
        ({REVERSE: {"PTR": ["a.example"]}}, ["a.example"], "temperror"),
        ({REVERSE: {"PTR": ["not a name", "b..c", "é"]}}, [], "fail"),
    ],
)
async def test_what_does_not_lead_back(
    zones: Mapping[str, Mapping[str, Sequence[str]]], failing: list[str], expected: str
) -> None:
    assert await check_iprev(ZoneResolver(zones, failing), "192.0.2.1") == IprevResult(
        AuthResult(expected), "192.0.2.1"
    )


@pytest.mark.parametrize("address", ["192.0.2.1", "::ffff:192.0.2.1"])
async def test_one_of_several_names_is_enough(address: str) -> None:
    zones = {
        REVERSE: {"PTR": ["slow.example", "other.example", "Mail.Example."]},
        "other.example": {"A": ["192.0.2.9"]},
        "mail.example": {"A": ["192.0.2.9", "192.0.2.1"]},
    }
    result = await check_iprev(ZoneResolver(zones, ["slow.example"]), address)
    assert result == IprevResult(AuthResult.PASS, "192.0.2.1", "mail.example")


async def test_ipv6_in_another_spelling() -> None:
    zones = {REVERSE6: {"PTR": ["six.example"]}, "six.example": {"AAAA": ["2001:0DB8:0:0::1"]}}
    result = await check_iprev(ZoneResolver(zones), "2001:db8::1")
    assert result == IprevResult(AuthResult.PASS, "2001:db8::1", "six.example")


async def test_names_are_bounded() -> None:
    names = [f"n{n}.example" for n in range(100)]
    resolver = CountingResolver({REVERSE: {"PTR": names}, names[MAX_NAMES]: {"A": ["192.0.2.1"]}})
    assert (await check_iprev(resolver, "192.0.2.1")).result is AuthResult.FAIL
    assert resolver.asked == 1 + MAX_NAMES


async def test_an_address_that_is_none_is_the_caller_s_error() -> None:
    with pytest.raises(ValueError, match="address"):
        await check_iprev(ZoneResolver({}), "localhost")
