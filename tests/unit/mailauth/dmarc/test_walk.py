"""The examples of RFC 9989 §4.10 and appendix B, and the Public Suffix List beside the walk."""

import pytest
from publicsuffixlist import PublicSuffixList

from posthouse.dns.zones import ZoneResolver
from posthouse.mailauth.dmarc.walk import MAX_QUERIES, Walker, targets
from posthouse.ports.resolver import Answer, DnsTemporary

LONG = "a.b.c.d.e.f.g.h.i.j.mail.example.com"


class Asked(ZoneResolver):
    """Remembers what was asked."""

    def __init__(self, records: dict[str, str], failing: tuple[str, ...] = ()) -> None:
        super().__init__({f"_dmarc.{name}": {"TXT": [text]} for name, text in records.items()}, failing)
        self.names: list[str] = []

    async def lookup(self, name: str, kind: str) -> Answer:
        self.names.append(name)
        return await super().lookup(name, kind)


def test_targets() -> None:
    assert targets("a.mail.example.com") == ["a.mail.example.com", "mail.example.com", "example.com", "com"]
    assert targets(LONG) == [
        LONG,
        "g.h.i.j.mail.example.com",
        "h.i.j.mail.example.com",
        "i.j.mail.example.com",
        "j.mail.example.com",
        "mail.example.com",
        "example.com",
        "com",
    ]
    assert targets("com") == ["com"]
    for labels in range(1, 40):
        names = targets(".".join("x" * labels))
        assert len(names) == min(labels, MAX_QUERIES)
        assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("start", "records", "organization"),
    [
        ("a.mail.example.com", {"mail.example.com": "v=DMARC1", "example.com": "v=DMARC1"}, "example.com"),
        ("a.mail.example.com", {"mail.example.com": "v=DMARC1; psd=n", "example.com": "v=DMARC1"}, "mail.example.com"),
        ("a.mail.example.com", {"com": "v=DMARC1; psd=y"}, "example.com"),
        ("a.mail.example.com", {}, "a.mail.example.com"),
        (
            "giant.bank.example",
            {"giant.bank.example": "v=DMARC1", "bank.example": "v=DMARC1; psd=y"},
            "giant.bank.example",
        ),
        ("mail.mega.bank.example", {"bank.example": "v=DMARC1; psd=y"}, "mega.bank.example"),
        ("bank.example", {"bank.example": "v=DMARC1; psd=y"}, "bank.example"),
        ("bank.example", {"bank.example": "v=DMARC1; psd=y", "example": "v=DMARC1"}, "bank.example"),
        ("a.example.com", {"example.com": "v=spf1 -all", "com": "v=DMARC1; psd=y"}, "example.com"),
    ],
)
async def test_organizational_domain(start: str, records: dict[str, str], organization: str) -> None:
    assert await Walker(Asked(records)).organizational_domain(start) == organization


@pytest.mark.parametrize(
    ("author", "records", "place"),
    [
        ("a.example.com", {"a.example.com": "v=DMARC1; p=none", "example.com": "v=DMARC1; p=reject"}, "a.example.com"),
        ("a.b.example.com", {"b.example.com": "v=DMARC1", "example.com": "v=DMARC1; p=reject"}, "example.com"),
        ("a.example.com", {"com": "v=DMARC1; psd=y; np=reject"}, "com"),
        ("a.example.com", {"example.com": "v=DMARC1; p=none", "com": "v=DMARC1; psd=y; p=reject"}, "example.com"),
        ("a.example.com", {}, None),
        (LONG, {"example.com": "v=DMARC1"}, "example.com"),
        (LONG, {"b.c.d.e.f.g.h.i.j.mail.example.com": "v=DMARC1"}, None),
    ],
)
async def test_policy_discovery(author: str, records: dict[str, str], place: str | None) -> None:
    policy = await Walker(Asked(records)).policy(author)
    assert (policy.found.domain if policy.found else None) == place


async def test_a_name_is_asked_once_and_a_psd_tag_ends_the_walk() -> None:
    resolver = Asked({"example.com": "v=DMARC1; psd=n"})
    walker = Walker(resolver)
    await walker.policy("a.example.com")
    await walker.organizational_domain("b.example.com")
    assert resolver.names == ["_dmarc.a.example.com", "_dmarc.example.com", "_dmarc.b.example.com"]


async def test_two_records_at_a_name_are_passed_over() -> None:
    zone = ZoneResolver(
        {
            "_dmarc.a.example": {"TXT": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]},
            "_dmarc.example": {"TXT": ["v=DMARC1"]},
        }
    )
    policy = await Walker(zone).policy("a.example")
    assert policy.found is not None
    assert policy.found.domain == "example"


async def test_a_silent_dns_is_no_answer() -> None:
    with pytest.raises(DnsTemporary):
        await Walker(Asked({}, failing=("_dmarc.example.com",))).policy("a.example.com")


async def test_existence_is_what_rfc_8020_says() -> None:
    walker = Walker(ZoneResolver({"a.b.example": {"TXT": ["x"]}}))
    assert await walker.exists("a.b.example")
    assert await walker.exists("b.example")
    assert not await walker.exists("c.example")


async def test_public_suffix_list_beside_the_walk() -> None:
    suffixes = PublicSuffixList().privatesuffix
    resolver = Asked({"example.co.uk": "v=DMARC1; p=reject", "uk": "v=DMARC1; psd=y; p=none"})
    walker = Walker(resolver, suffixes=suffixes)
    policy = await walker.policy("a.b.example.co.uk")
    assert policy.organizational_domain == "example.co.uk"
    assert policy.found is not None
    assert policy.found.domain == "example.co.uk"
    assert resolver.names == ["_dmarc.a.b.example.co.uk", "_dmarc.example.co.uk"]
    assert await walker.organizational_domain("co.uk") == "co.uk"
    assert walker.by_list
    # The walk needs what the list knows to be published: here it stops at a record one label too high.
    assert await Walker(resolver).organizational_domain("x.other.co.uk") == "co.uk"
