"""check_host(): limits, recursion, time-outs, hostile records; where pyspf reads RFC 7208 otherwise, our reading."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from posthouse.dns.zones import ZoneResolver
from posthouse.mailauth.spf.check import check_helo, check_mail_from
from posthouse.mailauth.spf.evaluate import MAX_EXPLANATION, MAX_LOOKUPS, MAX_NAMES, MAX_VOID_LOOKUPS
from posthouse.mailauth.spf.record import MAX_RECORD
from posthouse.model.authentication import AuthResult, SpfResult
from posthouse.ports.resolver import Answer

Zones = Mapping[str, Mapping[str, Sequence[str]]]
CLIENT = "192.0.2.1"


class CountingResolver(ZoneResolver):
    def __init__(self, zones: Zones, failing: Sequence[str] = ()) -> None:
        super().__init__(zones, failing)
        self.asked: list[tuple[str, str]] = []

    async def lookup(self, name: str, kind: str) -> Answer:
        self.asked.append((name, kind))
        return await super().lookup(name, kind)


def txt(*records: str) -> dict[str, list[str]]:
    return {"TXT": list(records)}


async def check(zones: Zones, mail_from: str = "user@example.com", address: str = CLIENT, **more: Any) -> SpfResult:
    return await check_mail_from(ZoneResolver(zones), address, mail_from, "mx.example.org", **more)


# ---- identities


async def test_the_matching_term_is_told_as_published() -> None:
    result = await check({"example.com": txt("v=spf1 ip4:192.0.2.0/24 -all")}, "User@EXAMPLE.com.")
    assert result == SpfResult(AuthResult.PASS, "example.com", "mfrom", "ip4:192.0.2.0/24")


async def test_a_null_sender_is_postmaster_at_the_helo_name() -> None:
    zones = {
        "mx.example.org": txt("v=spf1 exists:%{l}.ok.example -all"),
        "postmaster.ok.example": {"A": ["127.0.0.2"]},
    }
    result = await check(zones, "")
    assert (result.result, result.domain) == (AuthResult.PASS, "mx.example.org")


async def test_the_helo_identity_has_its_scope() -> None:
    result = await check_helo(ZoneResolver({"mx.example.org": txt("v=spf1 -all")}), CLIENT, "MX.example.org")
    assert (result.result, result.scope, result.domain) == (AuthResult.FAIL, "helo", "mx.example.org")


@pytest.mark.parametrize(
    "helo", ["[192.0.2.1]", "localhost", "", "a..b", "x" * 64 + ".example", "a b.example", "\x00.b"]
)
async def test_what_is_no_domain_is_asked_for_nothing(helo: str) -> None:
    resolver = CountingResolver({})
    assert (await check_helo(resolver, CLIENT, helo)).result is AuthResult.NONE
    assert not resolver.asked


async def test_an_international_domain_is_asked_for_as_a_labels() -> None:
    result = await check(
        {
            "xn--bcher-kva.example": txt("v=spf1 exists:%{d}.x.example"),
            "xn--bcher-kva.example.x.example": {"A": ["127.0.0.1"]},
        },
        "user@Bücher.example",
    )
    assert (result.result, result.domain) == (AuthResult.PASS, "xn--bcher-kva.example")


@pytest.mark.parametrize("term", ["exists:%{l}.x.example", "include:%{s}.x.example", "a:%{L}.x.example"])
async def test_terms_with_a_local_part_beyond_ascii_match_nothing(term: str) -> None:
    """RFC 8616 §4."""
    zones = {"example.com": txt(f"v=spf1 {term} ip4:192.0.2.1 -all")}
    result = await check(zones, "jürgen@example.com")
    assert result.mechanism == "ip4:192.0.2.1"


async def test_an_ipv4_mapped_client_is_an_ipv4_client() -> None:
    zones = {"example.com": txt("v=spf1 ip6:::/0 ip4:192.0.2.1 -all")}
    assert (await check(zones, address="::ffff:192.0.2.1")).mechanism == "ip4:192.0.2.1"


async def test_an_address_that_is_none_is_the_caller_s_error() -> None:
    with pytest.raises(ValueError, match="address"):
        await check({}, address="unix:/run/x")


# ---- limits


async def test_ten_terms_may_ask_and_an_eleventh_may_not() -> None:
    names = {f"h{n}.example": {"A": ["198.51.100.1"]} for n in range(MAX_LOOKUPS + 1)}
    terms = [f"a:h{n}.example" for n in range(MAX_LOOKUPS)]
    assert (await check({**names, "example.com": txt(f"v=spf1 {' '.join(terms)} -all")})).result is AuthResult.FAIL
    result = await check({**names, "example.com": txt(f"v=spf1 {' '.join(terms)} a:h10.example -all")})
    assert result.result is AuthResult.PERMERROR
    assert "look-ups" in result.reason


async def test_a_redirect_that_is_not_followed_is_not_counted() -> None:
    names = {f"h{n}.example": {"A": ["198.51.100.1"]} for n in range(MAX_LOOKUPS)}
    terms = " ".join(f"a:h{n}.example" for n in range(MAX_LOOKUPS))
    assert (await check({**names, "example.com": txt(f"v=spf1 {terms} ~all redirect=b.example")})).result == "softfail"


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 include:example.com",
        "v=spf1 redirect=example.com",
        "v=spf1 ?include:%{d} include:%{o}",
        "v=spf1 include:b.example",
    ],
)
async def test_recursion_ends_at_the_limit_of_look_ups(record: str) -> None:
    resolver = CountingResolver({"example.com": txt(record), "b.example": txt("v=spf1 include:example.com")})
    result = await check_mail_from(resolver, CLIENT, "u@example.com", "h.example")
    assert result.result is AuthResult.PERMERROR
    assert len(resolver.asked) == MAX_LOOKUPS + 1


async def test_an_include_of_oneself_behind_the_match_is_never_seen() -> None:
    assert (await check({"example.com": txt("v=spf1 ip4:192.0.2.1 include:example.com")})).result is AuthResult.PASS


async def test_two_void_look_ups_are_borne_and_three_are_not() -> None:
    terms = [f"exists:none{n}.example" for n in range(MAX_VOID_LOOKUPS + 1)]
    assert (await check({"example.com": txt(f"v=spf1 {' '.join(terms[:-1])} -all")})).result is AuthResult.FAIL
    assert (await check({"example.com": txt(f"v=spf1 {' '.join(terms)} -all")})).result is AuthResult.PERMERROR


async def test_hosts_of_an_mx_without_an_address_of_the_family_are_not_void() -> None:
    """A client with IPv6, and a domain whose three hosts have IPv4 only: nobody's mistake (RFC 7208 §4.6.4: terms)."""
    hosts = {f"mx{n}.example": {"A": ["192.0.2.9"]} for n in range(3)}
    zones = {**hosts, "example.com": {"TXT": ["v=spf1 mx -all"], "MX": [f"10 mx{n}.example" for n in range(3)]}}
    assert (await check(zones, address="2001:db8::1")).result is AuthResult.FAIL


@pytest.mark.parametrize(("count", "expected"), [(MAX_NAMES, "pass"), (MAX_NAMES + 1, "permerror")])
async def test_mx_hosts_are_counted(count: int, expected: str) -> None:
    hosts = {f"m{n}.example": {"A": [f"198.51.100.{n}"]} for n in range(count)}
    zones = {**hosts, "example.com": {"TXT": ["v=spf1 mx -all"], "MX": [f"{n} m{n}.example" for n in range(count)]}}
    assert (await check(zones, address="198.51.100.9")).result == expected


async def test_a_null_mx_matches_nothing() -> None:
    assert (await check({"example.com": {"TXT": ["v=spf1 mx -all"], "MX": ["0 ."]}})).result is AuthResult.FAIL


async def test_of_many_names_of_the_client_ten_are_tried() -> None:
    names = [f"p{n}.x.example" for n in range(30)]
    zones: dict[str, Any] = {name: {"A": [CLIENT]} for name in names[MAX_NAMES:]}
    resolver = CountingResolver(
        {**zones, "example.com": txt("v=spf1 ptr:x.example -all"), "1.2.0.192.in-addr.arpa": {"PTR": names}}
    )
    assert (await check_mail_from(resolver, CLIENT, "u@example.com", "h")).result is AuthResult.FAIL
    assert len(resolver.asked) == 2 + MAX_NAMES


async def test_a_name_of_the_client_must_be_below_and_not_merely_end_alike() -> None:
    reverse = {"1.2.0.192.in-addr.arpa": {"PTR": ["evilexample.com.", "MX.Example.com."]}}
    zones = {**reverse, "example.com": txt("v=spf1 ptr -all"), "evilexample.com": {"A": [CLIENT]}}
    assert (await check(zones)).result is AuthResult.FAIL
    assert (await check({**zones, "mx.example.com": {"A": [CLIENT]}})).result is AuthResult.PASS


async def test_a_name_of_the_client_that_is_not_answered_is_skipped() -> None:
    zones = {
        "1.2.0.192.in-addr.arpa": {"PTR": ["slow.example.com", "mx.example.com"]},
        "example.com": txt("v=spf1 ptr -all"),
        "mx.example.com": {"A": [CLIENT]},
    }
    resolver = ZoneResolver(zones, ["slow.example.com"])
    assert (await check_mail_from(resolver, CLIENT, "u@example.com", "h")).result is AuthResult.PASS


# ---- what goes wrong


@pytest.mark.parametrize(
    ("record", "failing", "expected"),
    [
        ("v=spf1 -all", ["example.com"], "temperror"),
        ("v=spf1 a:slow.example -all", ["slow.example"], "temperror"),
        ("v=spf1 include:slow.example -all", ["slow.example"], "temperror"),
        ("v=spf1 redirect=slow.example", ["slow.example"], "temperror"),
        ("v=spf1 mx -all", ["slow.example"], "temperror"),
        ("v=spf1 exists:slow.example -all", ["slow.example"], "temperror"),
        ("v=spf1 ptr ~all", ["1.2.0.192.in-addr.arpa"], "softfail"),
        ("v=spf1 -all exp=slow.example", ["slow.example"], "fail"),
        ("v=spf1 ip4:192.0.2.1 a:slow.example", ["slow.example"], "pass"),
    ],
)
async def test_what_is_not_answered_in_time_is_temporary(record: str, failing: list[str], expected: str) -> None:
    zones = {"example.com": {"TXT": [record], "MX": ["1 slow.example"]}}
    resolver = ZoneResolver(zones, failing)
    assert (await check_mail_from(resolver, CLIENT, "u@example.com", "h")).result == expected


async def test_two_records_are_an_error_and_other_texts_are_not() -> None:
    assert (await check({"example.com": txt("v=spf1 -all", "v=spf1 +all")})).result is AuthResult.PERMERROR
    assert (await check({"example.com": txt("v=spf10 -all", "V=SPF1", "\udcff")})).result is AuthResult.NEUTRAL


@pytest.mark.parametrize("record", ["v=spf1 include:%{d}.b.example -all", "v=spf1 redirect=none.example"])
async def test_a_named_record_that_is_not_there_is_an_error(record: str) -> None:
    assert (await check({"example.com": txt(record)})).result is AuthResult.PERMERROR


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 " + "exists:" + "%{s}" * 4_000 + " -all",
        "v=spf1 " + "a " * 8_000 + "-all",
        "v=spf1 " + "ip4:10.0.0.1 " * 1_200 + "-all",
        "v=spf1 " + "x" * MAX_RECORD,
        "v=spf1 exists:" + "%{" * 8_000,
        "v=spf1 exists:" + "%%" * 8_000,
        "v=spf1 a:." + "a" * 16_000 + "!",
        "v=spf1 a" + "/" * 16_000,
        "v=spf1 ip6:" + ":" * 16_000,
        "v=spf1 exists:%{l" + "9" * 16_000 + "}.example",
        "v=spf1 exists:%{l" + "+-" * 8_000 + "}.example",
        "v=spf1 " + "exists:%{l1r+-.,/_=}.example " * 500,
    ],
)
async def test_bombs_end_soon(record: str) -> None:
    started = time.process_time()
    result = await check({"example.com": txt(record)}, "a-b+c." * 10 + "u@example.com")
    assert result.result in (AuthResult.PERMERROR, AuthResult.FAIL, AuthResult.NEUTRAL)
    # Quadratic work on 16 KiB takes many seconds.
    assert time.process_time() - started < 5


async def test_a_long_name_loses_labels_from_the_left() -> None:
    """RFC 7208 §7.3."""
    local = ".".join(["a" * 60] * 6)
    kept = ".".join(["a" * 60] * 4 + ["x.example"])
    zones = {"example.com": txt("v=spf1 exists:%{l}.x.example -all"), kept: {"A": ["127.0.0.1"]}}
    assert (await check(zones, f"{local}@example.com")).result is AuthResult.PASS


# ---- explanations


async def explained(text: str, mail_from: str = "user@example.com", **more: Any) -> str:
    zones = {"example.com": txt("v=spf1 -all exp=why.%{d}"), "why.example.com": txt(text)}
    return (await check(zones, mail_from, **more)).explanation


async def test_an_explanation_is_expanded() -> None:
    text = await explained("%{c} is no %{d}; %{s} at %{t} by %{r}%%%_%-", receiver="mx.example.net", timestamp=1_700)
    assert text == "192.0.2.1 is no example.com; user@example.com at 1700 by mx.example.net% %20"


@pytest.mark.parametrize("text", ["", "%", "%{z}", "é", "a\r\nb", "a\x1bb", "x" * (MAX_EXPLANATION + 1), "%{s}" * 200])
async def test_an_explanation_that_is_none_changes_nothing(text: str) -> None:
    assert await explained(text) == ""


async def test_two_texts_explain_nothing() -> None:
    zones = {"example.com": txt("v=spf1 -all exp=why.example"), "why.example": txt("a", "b")}
    assert (await check(zones)).explanation == ""


async def test_a_local_part_cannot_smuggle_controls_into_an_explanation() -> None:
    assert await explained("no %{l}", '"a\r\nb"@example.com') == ""


async def test_the_explanation_is_that_of_the_record_that_fails() -> None:
    zones = {
        "example.com": txt("v=spf1 include:i.example redirect=r.example exp=wrong.example"),
        "i.example": txt("v=spf1 -all exp=wrong.example"),
        "r.example": txt("v=spf1 -all exp=right.%{d}"),
        "wrong.example": txt("wrong"),
        "right.r.example": txt("right"),
    }
    assert (await check(zones)).explanation == "right"
