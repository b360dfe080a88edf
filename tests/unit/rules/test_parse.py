"""The text of a rule set: what is read, and what is said about what is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.model.errors import Invalid
from posthouse.model.verdict import VerdictKind
from posthouse.rules.grammar import MAX_RULES, MAX_TEXT, TRAP
from posthouse.rules.parse import parse_rules

RULE = """
[[rule]]
name = "LOTTERY"
description = "Mail that promises a prize"
where = "header:Subject"
matches = '(?i)you have won'
score = 3.0
"""


def rule(**changes: object) -> str:
    values: dict[str, object] = {"name": "AA", "description": "d", "where": "body", "matches": "x"}
    values |= changes
    lines = [f"{key.rstrip('_')} = {_toml(value)}" for key, value in values.items() if value is not None]
    return "\n".join(["[[rule]]", *lines, ""])


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return repr(value) if not isinstance(value, str) else "'" + value + "'"


def refused(text: str) -> str:
    with pytest.raises(Invalid) as error:
        parse_rules(text)
    return error.value.public


def test_a_rule_is_read() -> None:
    [found] = parse_rules(RULE).rules
    assert (found.name, found.score, found.verdict) == ("LOTTERY", 3.0, None)
    assert found.condition is not None
    assert (found.condition.where, found.condition.patterns) == ("header:subject", ("(?i)you have won",))


def test_lists_are_kept_in_normal_form() -> None:
    networks = rule(where="client-ip", matches=None, is_=["192.0.2.7", "2001:db8::/32"])
    domains = rule(name="BB", where="url-host", matches=None, is_=["*.Example.NET", "bücher.example"])
    first, second = parse_rules(networks + domains).rules
    assert first.condition is not None
    assert second.condition is not None
    assert first.condition.values == ("192.0.2.7/32", "2001:db8::/32")
    assert second.condition.values == ("*.example.net", "xn--bcher-kva.example")


def test_maps_serve_several_rules() -> None:
    text = "[maps]\npartners = ['A.example']\n" + rule(where="author-domain", matches=None, in_="partners")
    [found] = parse_rules(text).rules
    assert found.condition is not None
    assert found.condition.values == ("a.example",)


def test_composites_stand_behind_what_they_are_made_of() -> None:
    text = (
        rule(name="ZZ", where=None, matches=None, when="YY and AA", verdict="junk")
        + rule(name="YY", where=None, matches=None, when="not AA")
        + rule()
    )
    found = parse_rules(text).rules
    assert [each.name for each in found] == ["AA", "YY", "ZZ"]
    assert found[2].verdict is VerdictKind.JUNK


def test_spamtraps_are_a_rule_of_their_own() -> None:
    [trap] = parse_rules("[spamtraps]\naddresses = ['Trap@example.org']\n").rules
    assert trap.name == TRAP
    assert trap.condition is not None
    assert (trap.condition.where, trap.condition.values) == ("rcpt", ("trap@example.org",))
    assert "that of [spamtraps]" in refused(rule(name=TRAP))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[rule]", "no TOML"),
        ("[[rules]]\n", "unknown key 'rules' at the top, perhaps 'rule'"),
        ("rule = 3\n", "[[rule]]"),
        (rule(name="lower"), "capitals"),
        (rule() + rule(), "stands twice"),
        (rule(scor=1), "rule AA: unknown key 'scor' in a rule, perhaps 'score'"),
        (rule(description=""), "description"),
        (rule(score=11), "between -10 and 10"),
        (rule(score=True), "no number"),
        ("[[rule]]\nname='AA'\ndescription='d'\nwhere='body'\nmatches='x'\nscore=nan", "no number"),
        (rule(verdict="junkk"), "perhaps 'junk'"),
        (rule(verdict="defer"), "unknown verdict"),
        (rule(where="bdy"), "nothing is called 'bdy', perhaps 'body'"),
        (rule(where="header:"), "no name of a header field"),
        (rule(where=None, matches=None), "neither 'where'"),
        (rule(matches=None), "one of matches, is, in, present"),
        (rule(present=True), "has matches and present"),
        (rule(when="AA"), "looks at symbols alone"),
        (rule(matches=[]), "none of them empty"),
        (rule(matches="x" * 1001), "more than 1000 characters"),
        (rule(matches=["x"] * 1001), "more than 1000 patterns"),
        (rule(matches=None, in_="partner"), "there is no map 'partner'"),
        (rule(matches=None, is_=[str(n) for n in range(5001)]), "more than 5,000 values"),
        (rule(where="client-ip", matches=None, is_="192.0.2.7/8"), "no network"),
        (rule(where=None, matches=None, when="BB"), "there is no rule 'BB'"),
        (rule(where=None, matches=None, when="AA or AA"), "made of itself"),
        ("[maps]\n'A B' = ['x']\n", "map 'A B'"),
        ("[spamtraps]\naddresses = ['no address']\n", "[spamtraps]"),
        ("[spamtraps]\naddress = ['a@b.example']\n", "perhaps 'addresses'"),
        ("#" * (MAX_TEXT + 1), "65,536 is the most"),
        ("[[rule]]\n" * (MAX_RULES + 1), "500 is the most"),
    ],
)
def test_what_is_wrong_is_named(text: str, why: str) -> None:
    assert why in refused(text)


def test_brackets_without_end_are_refused() -> None:
    assert "no TOML" in refused("a = " + "[" * 20_000)


WORDS = st.sampled_from(
    ["[[rule]]", "[maps]", "[spamtraps]", "name = 'AA'", "name = 'BB'", "description = 'd'", "where = 'body'",
     "where = 'rcpt'", "matches = 'x'", "is = ['a']", "in = 'm'", "m = ['b']", "when = 'AA'", "when = 'not BB'",
     "present = true", "score = 1", "score = inf", "verdict = 'tag'", "addresses = ['a@b.example']"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=14).map("\n".join)))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    try:
        found = parse_rules(text)
    except Invalid:
        return
    assert len({rule.name for rule in found.rules}) == len(found.rules)
