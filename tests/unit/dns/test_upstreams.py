"""How resolvers are written, and which of them is asked."""

import pytest

from posthouse.dns.upstreams import (
    COOL_DOWN,
    FAILURES,
    MAX_COOL_DOWN,
    Health,
    Upstream,
    due,
    order,
    parse_upstream,
    resolv_conf,
)


@pytest.mark.parametrize(
    ("text", "tls", "expected"),
    [
        ("192.0.2.1", False, Upstream("192.0.2.1")),
        ("192.0.2.1:5353", False, Upstream("192.0.2.1", 5353)),
        ("2001:db8::1", False, Upstream("2001:db8::1")),
        ("[2001:db8::1]", False, Upstream("2001:db8::1")),
        ("[2001:db8::1]:5353", False, Upstream("2001:db8::1", 5353)),
        ("192.0.2.1", True, Upstream("192.0.2.1", 853, True)),
        ("192.0.2.1#dns.example", True, Upstream("192.0.2.1", 853, True, "dns.example")),
        ("[2001:db8::1]:8853#dns.example", True, Upstream("2001:db8::1", 8853, True, "dns.example")),
    ],
)
def test_upstreams(text: str, tls: bool, expected: Upstream) -> None:
    assert parse_upstream(text, tls=tls) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dns.example",
        "192.0.2.1:",
        "192.0.2.1:0",
        "192.0.2.1:65536",
        "192.0.2.1:x",
        "[2001:db8::1",
        "192.0.2.1#name",
    ],
)
def test_what_is_no_upstream(text: str) -> None:
    with pytest.raises(ValueError, match=r"no IP address|no port|name in the certificate"):
        parse_upstream(text)


def test_a_name_must_be_one() -> None:
    with pytest.raises(ValueError, match="name in the certificate"):
        parse_upstream("192.0.2.1#", tls=True)


def test_written_back() -> None:
    assert [str(Upstream("192.0.2.1")), str(Upstream("2001:db8::1", 853))] == ["192.0.2.1:53", "[2001:db8::1]:853"]


def test_who_cannot_be_meddled_with() -> None:
    assert Upstream("127.0.0.1").safe
    assert Upstream("::1").safe
    assert Upstream("169.254.20.10").safe
    assert Upstream("192.0.2.1", 853, True).safe
    assert not Upstream("10.0.0.1").safe


def test_the_systems_resolvers() -> None:
    text = """\
# nameserver 192.0.2.9
search example.org
nameserver 192.0.2.1
nameserver 2001:db8::1
nameserver nonsense
options ndots:5
nameserver\t192.0.2.3
nameserver 192.0.2.4
"""
    assert [it.address for it in resolv_conf(text)] == ["192.0.2.1", "2001:db8::1", "192.0.2.3"]
    assert resolv_conf("") == [Upstream("127.0.0.1")]


def failing(now: float, times: int = FAILURES) -> Health:
    health = Health()
    for _ in range(times):
        health.failed(now)
    return health


def test_a_few_failures_in_a_row_put_one_behind_the_others() -> None:
    one, other = failing(10.0, FAILURES - 1), Health()
    assert one.well
    assert order([one, other], 10.0) == [0, 1]
    one.failed(10.0)
    assert not one.well
    assert order([one, other], 10.0) == [1, 0]


def test_an_answer_in_between_makes_it_well() -> None:
    health = failing(0, FAILURES - 1)
    health.answered()
    health.failed(1.0)
    assert health.well


def test_all_are_asked_where_all_are_unwell_the_one_longest_so_first() -> None:
    assert order([failing(20.0), failing(10.0), failing(30.0)], 31.0) == [1, 0, 2]


def test_one_probe_after_the_cool_down() -> None:
    health = [failing(0), Health()]
    assert due(health, COOL_DOWN - 0.1) is None
    assert due(health, COOL_DOWN) == 0
    assert due(health, COOL_DOWN) is None
    health[0].answered()
    assert health[0].well
    assert due(health, COOL_DOWN) is None


def test_nobody_probes_where_nobody_is_well() -> None:
    assert due([failing(0)], 1000.0) is None


def test_cool_downs_grow_to_a_bound_and_failures_within_one_do_not_count() -> None:
    health, now = failing(0), 0.0
    lengths = []
    for _ in range(8):
        lengths.append(health.until - now)
        health.failed(now + 0.1)
        assert health.until - now == lengths[-1]
        now = health.until
        health.failed(now)
    assert lengths[:3] == [COOL_DOWN, 2 * COOL_DOWN, 4 * COOL_DOWN]
    assert lengths[-1] == MAX_COOL_DOWN
