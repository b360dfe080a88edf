"""Whose word counts: the nearest level's, the narrower entry's, and no allowing of what is only claimed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.model.errors import Invalid
from posthouse.model.filter_policy import (
    Claimant,
    EffectivePolicy,
    FilterPolicy,
    as_document,
    checked,
    entry,
    fold,
    from_document,
    listed,
)

SENDER = Claimant(("ann@mail.example.net",), frozenset({"mail.example.net"}), frozenset({"esp.example"}), "192.0.2.7")
LIAR = Claimant(("ann@mail.example.net",), frozenset(), frozenset(), "198.51.100.7")


def only(**lists: tuple[str, ...]) -> EffectivePolicy:
    return fold([("domain", checked(FilterPolicy(**lists)))])  # type: ignore[arg-type]


def test_the_nearest_level_that_says_something_decides_each_field() -> None:
    effective = fold(
        [
            ("platform", FilterPolicy(junk=2.0, reject=9.0, dmarc="follow")),
            ("tenant", FilterPolicy(junk=3.0)),
            ("account", FilterPolicy(dmarc="ignore")),
        ]
    )
    assert (effective.junk, effective.quarantine, effective.reject, effective.dmarc) == (3.0, None, 9.0, "ignore")
    assert dict(effective.origins) == {"junk": "tenant", "reject": "platform", "dmarc": "account"}


def test_without_a_word_the_authors_domain_is_followed() -> None:
    assert fold([]) == EffectivePolicy(dmarc="follow")


def test_whom_any_level_trusts_is_trusted() -> None:
    levels = [
        ("platform", FilterPolicy(arc_sealers=("a.example",))),
        ("tenant", FilterPolicy(arc_sealers=("b.example",), known_lists=("lists.example",))),
    ]
    effective = fold(levels)
    assert effective.arc_sealers == {"a.example", "b.example"}
    assert effective.known_lists == {"lists.example"}


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        (" Ann@Example.NET ", "ann@example.net"),
        ("@example.net", "example.net"),
        ("*.Example.net", "*.example.net"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("192.0.2.7", "192.0.2.7/32"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("dkim:Bücher.example", "dkim:xn--bcher-kva.example"),
    ],
)
def test_entries_have_one_form(text: str, normal: str) -> None:
    assert entry(text) == normal
    assert entry(normal) == normal


@pytest.mark.parametrize(
    "text", ["", "@", "a b@example.net", "192.0.2.1/24", "192.0.2.0/33", "*.", "dkim:", "ex ample"]
)
def test_what_is_no_entry_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        entry(text)


@pytest.mark.parametrize(
    "name", ["ann@mail.example.net", "mail.example.net", "*.example.net", "*.net", "dkim:esp.example", "192.0.2.0/24"]
)
def test_allowed_by(name: str) -> None:
    assert listed(only(allow=(name,)), SENDER) == ("allow", "domain", name)


@pytest.mark.parametrize("name", ["ann@mail.example.net", "mail.example.net", "*.example.net", "dkim:esp.example"])
def test_a_claim_is_not_allowed_without_proof(name: str) -> None:
    assert listed(only(allow=(name,)), LIAR) is None


def test_a_claim_is_enough_to_be_blocked() -> None:
    assert listed(only(block=("*.example.net",)), LIAR) == ("block", "domain", "*.example.net")


@pytest.mark.parametrize(
    "name", ["example.net", "*.mail.example.net", "ail.example.net", "192.0.2.8/32", "2001:db8::/32"]
)
def test_not_met_by(name: str) -> None:
    assert listed(only(block=(name,)), SENDER) is None


def test_the_narrower_entry_wins_within_a_level() -> None:
    both = only(allow=("ann@mail.example.net",), block=("mail.example.net", "192.0.2.0/24"))
    assert listed(both, SENDER) == ("allow", "domain", "ann@mail.example.net")
    networks = only(allow=("192.0.2.7/32",), block=("192.0.2.0/24",))
    assert listed(networks, SENDER) == ("allow", "domain", "192.0.2.7/32")
    assert listed(only(allow=("mail.example.net",), block=("mail.example.net",)), SENDER) == (
        "block",
        "domain",
        "mail.example.net",
    )


def test_the_nearest_level_wins_over_the_narrower_entry() -> None:
    effective = fold(
        [
            ("tenant", FilterPolicy(block=("ann@mail.example.net",))),
            ("account", FilterPolicy(allow=("*.example.net",))),
        ]
    )
    assert listed(effective, SENDER) == ("allow", "account", "*.example.net")


def test_a_mapped_address_is_the_address_itself() -> None:
    mapped = Claimant((), frozenset(), frozenset(), "::ffff:192.0.2.7")
    assert listed(only(block=("192.0.2.0/24",)), mapped) == ("block", "domain", "192.0.2.0/24")


@pytest.mark.parametrize(
    "policy",
    [
        FilterPolicy(junk=5.0, quarantine=4.0),
        FilterPolicy(junk=5.0, reject=4.0),
        FilterPolicy(junk=101.0),
        FilterPolicy(junk=float("nan")),
        FilterPolicy(dmarc="maim"),  # type: ignore[arg-type]
        FilterPolicy(allow=tuple(f"d{number}.example" for number in range(2001))),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(policy: FilterPolicy) -> None:
    with pytest.raises(Invalid):
        checked(policy)


def test_documents_hold_what_is_set_and_nothing_else() -> None:
    policy = FilterPolicy(junk=1.5, block=("example.net",))
    assert as_document(policy) == {"junk": 1.5, "block": ["example.net"]}
    assert from_document(as_document(policy) | {"of_a_newer_version": 1}) == policy
    assert from_document({}).says_nothing
    with pytest.raises(Invalid):
        from_document({"junk": "much"})


@given(st.text(max_size=40))
def test_any_text_is_an_entry_or_is_refused(text: str) -> None:
    try:
        normal = entry(text)
    except Invalid:
        return
    assert entry(normal) == normal


def test_a_switch_is_on_off_or_left_to_the_level_above() -> None:
    policy = from_document({"digest": False, "caution": True})
    assert as_document(policy) == {"digest": False, "caution": True}
    effective = fold([("tenant", FilterPolicy(digest=True)), ("domain", policy)])
    assert (effective.digest, effective.caution) == (False, True)
    assert dict(effective.origins) == {"digest": "domain", "caution": "domain"}
    with pytest.raises(Invalid):
        from_document({"digest": "yes"})
