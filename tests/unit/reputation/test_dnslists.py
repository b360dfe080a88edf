import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.dns.zones import ZoneResolver
from posthouse.model.reputation import ListHit
from posthouse.reputation.dnslists import Job, address_queries, ask, name_queries, reversed_name, self_test
from posthouse.reputation.list_entry import parse_list

ZEN = parse_list("zen.example ip 127.0.0.2=4:sbl 127.0.0.4=3:xbl")
URI = parse_list("uri.example domain+uri 127.0.0.2=3")


async def in_turn(jobs: list[Job]) -> None:
    for job in jobs:
        await job()


class Counted(dict[tuple[str, str], int]):
    def __call__(self, zone: str, outcome: str) -> None:
        self[zone, outcome] = self.get((zone, outcome), 0) + 1


def test_addresses_are_asked_for_backwards() -> None:
    assert reversed_name(ipaddress.ip_address("192.0.2.99")) == "99.2.0.192"
    # RFC 5782 §2.4's own example.
    assert (
        reversed_name(ipaddress.ip_address("2001:db8:1:2:3:4:567:89ab"))
        == "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2"
    )
    [query] = address_queries([ZEN, URI], "::ffff:192.0.2.99")
    assert query.name == "99.2.0.192.zen.example"


@given(st.ip_addresses())
def test_each_address_has_a_name_of_its_own(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    name = reversed_name(address)
    labels = name.split(".")
    assert len(labels) == (4 if address.version == 4 else 32)
    joined = list(reversed(labels))
    text = ".".join(joined) if address.version == 4 else ":".join("".join(joined[i : i + 4]) for i in range(0, 32, 4))
    assert ipaddress.ip_address(text) == address


@pytest.mark.parametrize(
    "ip", ["127.0.0.1", "10.1.2.3", "192.168.0.1", "100.64.0.1", "::1", "fe80::1", "fd00::1", "", "x"]
)
def test_addresses_that_are_nobodys_are_not_asked_for(ip: str) -> None:
    assert address_queries([ZEN], ip) == []


def test_names_are_asked_for_in_their_order_and_not_too_many() -> None:
    names = ["A.example", "a.example", "bad name", "localhost", "192.0.2.1", "b.example.", "ä.example", "c.example"]
    assert [query.name for query in name_queries([ZEN, URI], "uri", names, most=3)] == [
        "a.example.uri.example",
        "b.example.uri.example",
        "xn--4ca.example.uri.example",
    ]
    assert name_queries([ZEN], "uri", names, most=3) == []


@given(st.lists(st.text(max_size=40), max_size=10))
def test_any_names_make_names_that_can_be_asked_for(names: list[str]) -> None:
    for query in name_queries([URI], "domain", names, most=5):
        assert query.name.isascii()
        assert query.name == query.name.lower()


async def test_the_weightiest_of_each_list_and_silence_and_errors_say_nothing() -> None:
    other = parse_list("other.example ip 127.0.0.2=2")
    silent = parse_list("silent.example ip 127.0.0.2=2")
    broken = parse_list("broken.example ip 127.*.*.*=2")
    reverse = "9.2.0.192"
    resolver = ZoneResolver(
        {
            f"{reverse}.zen.example": {"A": ["127.0.0.4", "127.0.0.2"]},
            f"{reverse}.broken.example": {"A": ["127.255.255.254"]},
        },
        failing=(f"{reverse}.silent.example",),
    )
    counted = Counted()
    queries = address_queries([other, silent, broken, ZEN], "192.0.2.9")
    assert await ask(queries, resolver, in_turn, counted) == (ListHit("zen.example", "127.0.0.2", 4.0, "sbl"),)  # type: ignore[arg-type]
    assert counted == {
        ("other.example", "clear"): 1,
        ("silent.example", "silent"): 1,
        ("broken.example", "error"): 1,
        ("zen.example", "hit"): 1,
    }


async def test_several_names_of_one_message_make_one_hit() -> None:
    resolver = ZoneResolver({f"{name}.uri.example": {"A": ["127.0.0.2"]} for name in ("a.example", "b.example")})
    queries = name_queries([URI], "uri", ["a.example", "b.example"], most=9)
    assert len(await ask(queries, resolver, in_turn, Counted())) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("zones", "text", "anybody"),
    [
        ({"2.0.0.127.zen.example": {"A": ["127.0.0.2"]}}, None, False),
        ({}, "does not list 127.0.0.2", False),
        (
            {"2.0.0.127.zen.example": {"A": ["127.0.0.2"]}, "1.0.0.127.zen.example": {"A": ["127.0.0.2"]}},
            "lists 127.0.0.1",
            True,
        ),
        ({"2.0.0.127.zen.example": {"A": ["127.255.255.254"]}}, "does not serve this resolver", False),
    ],
)
async def test_a_list_shows_by_its_test_entries_whether_it_is_well(
    zones: dict[str, dict[str, list[str]]], text: str | None, anybody: bool
) -> None:
    fault = await self_test(ZEN, ZoneResolver(zones))
    if text is None:
        assert fault is None
        return
    assert fault is not None
    assert text in fault.text
    assert fault.lists_anybody is anybody


async def test_lists_of_names_have_test_names() -> None:
    assert await self_test(URI, ZoneResolver({"test.uri.example": {"A": ["127.0.0.2"]}})) is None
    fault = await self_test(URI, ZoneResolver({}, failing=("test.uri.example",)))
    assert fault is not None
    assert "does not answer" in fault.text
