"""Compiled rules: what is met, within which bounds."""

import hashlib
import re
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.model.errors import Invalid
from posthouse.rules.compiled import compile_rules
from posthouse.rules.grammar import SELECTORS
from posthouse.rules.message_view import MessageView, Sender

NOBODY = Sender()


def rule(name: str, where: str, test: str, more: str = "") -> str:
    return f"[[rule]]\nname = '{name}'\ndescription = 'd'\nwhere = '{where}'\n{test}\n{more}\n"


def composite(name: str, when: str, more: str = "") -> str:
    return f"[[rule]]\nname = '{name}'\ndescription = 'd'\nwhen = '{when}'\n{more}\n"


def fired(text: str, octets: bytes = b"\r\n", sender: Sender = NOBODY, rcpts: tuple[str, ...] = ()) -> list[str]:
    return [hit.rule.name for hit in compile_rules(text).evaluate(MessageView(octets, sender, rcpts))]


MAIL = b"Subject: cheap pills\r\nFrom: x@mail.shop.example\r\n\r\nvisit http://bad.example/1\r\n"


@pytest.mark.parametrize(
    ("where", "test", "meets"),
    [
        ("header:Subject", "matches = '(?i)CHEAP'", True),
        ("header:Subject", "matches = '^pills'", False),
        ("header:subject", "matches = ['none', 'pills$']", True),
        ("header:Subject", "is = 'Cheap Pills'", True),
        ("header:Subject", "is = 'cheap'", False),
        ("header:Message-ID", "present = false", True),
        ("header:Subject", "present = true", True),
        ("header:Subject", "present = false", False),
        ("author-domain", "is = '*.shop.example'", True),
        ("author-domain", "is = '*.mail.shop.example'", False),
        ("author-domain", "is = 'shop.example'", False),
        ("author", "is = 'X@mail.shop.example'", True),
        ("client-ip", "is = '192.0.2.0/24'", True),
        ("client-ip", "is = ['198.51.100.0/24', '2001:db8::/32']", False),
        ("helo", "matches = 'host'", True),
        ("login", "present = true", False),
        ("body", "matches = 'visit'", True),
        ("url", "matches = '/1$'", True),
        ("url-host", "is = 'bad.example'", True),
        ("attachment-type", "present = true", False),
        ("rcpt", "is = 'alice@example.org'", True),
    ],
)
def test_a_condition_is_met_or_not(where: str, test: str, meets: bool) -> None:
    sender = Sender("", "192.0.2.7", "host.example")
    found = fired(rule("AA", where, test), MAIL, sender, ("alice@example.org",))
    assert found == (["AA"] if meets else [])


def test_a_hash_is_met_by_its_attachment_alone() -> None:
    octets = b"Content-Type: application/x-thing\r\n\r\nthing"
    digest = hashlib.sha256(b"thing").hexdigest()
    assert fired(rule("AA", "attachment-sha256", f"is = '{digest.upper()}'"), octets) == ["AA"]
    assert fired(rule("AA", "attachment-sha256", f"is = '{digest}'"), octets + b"!") == []


def test_composites_are_made_of_symbols() -> None:
    text = rule("AA", "header:Subject", "matches = 'pills'") + rule("BB", "login", "present = true")
    text += composite("CC", "AA and not BB") + composite("DD", "CC and BB") + composite("EE", "not DD")
    assert fired(text, MAIL) == ["AA", "CC", "EE"]


def test_scores_of_a_set_are_capped_together() -> None:
    text = "".join(rule(f"R{n}", "header:Subject", "matches = 'pills'", "score = 8") for n in range(5))
    hits = compile_rules(text).evaluate(MessageView(MAIL, Sender()))
    assert sum(hit.score for hit in hits) == pytest.approx(10.0)
    assert {hit.score for hit in hits} == {2.0}


def test_what_met_a_rule_is_explained() -> None:
    text = rule("AA", "header:Subject", "matches = 'p.lls'") + rule("BB", "client-ip", "is = '192.0.2.0/24'")
    text += rule("CC", "login", "present = false")
    view = MessageView(MAIL, Sender(ip="192.0.2.7"))
    assert [(hit.rule.name, value) for hit, value in compile_rules(text).explain(view)] == [
        ("AA", "pills"),
        ("BB", "192.0.2.7"),
        ("CC", ""),
    ]


def test_content_is_asked_for_where_a_rule_looks_at_it() -> None:
    assert not compile_rules(rule("AA", "client-ip", "is = '192.0.2.7'")).reads_content
    assert compile_rules(rule("AA", "body", "matches = 'x'")).reads_content
    assert compile_rules(rule("AA", "attachment-sha256", "present = true")).hashes


@pytest.mark.parametrize("pattern", ["(a", "a{5000}", "((a{100}){100}){10}", r"(a)\1", "(?=a)", "([α-ω]{100}){9}" * 30])
def test_patterns_that_cannot_be_used_are_named(pattern: str) -> None:
    with pytest.raises(Invalid) as error:
        compile_rules(rule("AA", "body", f"matches = '{pattern}'"))
    assert "AA" in error.value.public or "together" in error.value.public


def test_patterns_too_large_together_are_refused_and_not_asked() -> None:
    many = ", ".join(f"'[a-z]{{200}}{n}[α-ω]{{150}}'" for n in range(400))
    with pytest.raises(Invalid) as error:
        compile_rules(rule("AA", "body", f"matches = [{many}]"))
    assert "over 'body' are too large together" in error.value.public


KILLERS = [r"(a+)+$", r"(a|aa)*b", r"(.*a){12}", r"(?i)(x+x+)+y", r"^(\w+\s?)*$", r"(a?){50}a{50}"]


@pytest.mark.parametrize("pattern", KILLERS)
def test_patterns_that_kill_others_stay_linear(pattern: str) -> None:
    rules = compile_rules(rule("AA", "body", f"matches = '{pattern}'"))
    view = MessageView(b"\r\n" + b"a" * 60_000 + b"!", Sender())
    view.values("body")
    began = process_time()
    rules.evaluate(view)
    assert process_time() - began < 5.0  # a backtracking engine takes longer than the universe has been there


def test_a_set_out_of_memory_falls_back_to_each_pattern() -> None:
    rules = compile_rules(rule("AA", "body", "matches = ['p.lls', 'none']") + rule("BB", "body", "matches = 'visit'"))
    [probe] = rules._probes

    class Exhausted:
        def Match(self, text: bytes) -> None:
            return None

    probe.together = Exhausted()
    assert [hit.rule.name for hit in rules.evaluate(MessageView(MAIL, Sender()))] == ["BB"]


GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "own-rules.md"


def test_the_guides_example_does_what_it_says() -> None:
    [example] = re.findall(r"``` toml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    stranger = b"From: x@other.example\r\nSubject: Today YOU HAVE WON\r\n\r\nhttps://short.example/1\r\n"
    found = fired(example, stranger, rcpts=("sales-2019@example.org",))
    assert set(found) == {"SPAMTRAP", "LOTTERY", "SHORT_LINK", "NO_MESSAGE_ID", "CARELESS_STRANGER"}
    partner = stranger.replace(b"other.example", b"mail.partner.example")
    assert set(fired(example, partner)) == {"LOTTERY", "SHORT_LINK", "NO_MESSAGE_ID", "FROM_PARTNER"}
    script = b'Message-ID: <1@x>\r\nContent-Type: application/javascript; name="Bill.JS"\r\n\r\nx'
    assert fired(example, script) == ["SCRIPT_ATTACHED"]


def test_every_selector_is_in_the_guide() -> None:
    text = GUIDE.read_text()
    assert [name for name in SELECTORS if f"`{name}`" not in text] == []


@given(st.text(max_size=30), st.text(max_size=60))
def test_whatever_pattern_compiles_matches_as_it_would_alone(pattern: str, text: str) -> None:
    quoted = '"' + "".join(f"\\U{ord(c):08x}" if not 0xD800 <= ord(c) < 0xE000 else "?" for c in pattern) + '"'
    if not pattern:
        return
    try:
        rules = compile_rules(rule("AA", "helo", f"matches = {quoted}") + rule("BB", "helo", "matches = 'zz'"))
    except Invalid:
        return
    found = [hit.rule.name for hit in rules.evaluate(MessageView(b"", Sender(helo=text)))]
    value = text.lower()
    literal = re.escape(pattern) == pattern and pattern.isascii()
    if literal and value:
        assert ("AA" in found) is (pattern in value)
    assert ("BB" in found) is ("zz" in value)
