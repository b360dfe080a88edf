"""A rule set's text, TOML, as frozen types; whatever is wrong is named, with the nearest name that would be right.

[maps]
partners = ["example.net", "*.example.com"]

[spamtraps]
addresses = ["trap@example.org"]

[[rule]]
name = "LOTTERY"
description = "Mail that promises a prize"
where = "header:Subject"
matches = '(?i)you have won'
score = 3.0
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from typing import Any, Final

from posthouse.model.address import domain_name, parse_address
from posthouse.model.errors import Invalid
from posthouse.model.verdict import VerdictKind
from posthouse.rules.expression import formula, names
from posthouse.rules.grammar import (
    DOMAINS,
    HEADER,
    MAX_DESCRIPTION,
    MAX_PATTERN,
    MAX_PATTERNS,
    MAX_RULES,
    MAX_SCORE,
    MAX_TEXT,
    MAX_VALUES,
    NETWORKS,
    SELECTORS,
    TRAP,
    Condition,
    Rule,
    RuleSet,
)

VERDICTS: Final = {
    kind.value: kind
    for kind in (
        VerdictKind.ACCEPT,
        VerdictKind.TAG,
        VerdictKind.JUNK,
        VerdictKind.QUARANTINE,
        VerdictKind.REJECT,
    )
}
_TOP: Final = ("maps", "spamtraps", "rule")
_KEYS: Final = ("name", "description", "where", "matches", "is", "in", "present", "when", "score", "verdict")
_TESTS: Final = ("matches", "is", "in", "present")
_NAME = re.compile(r"[A-Z][A-Z0-9_]{1,39}")
_MAP_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_FIELD = re.compile(r"[!-9;-~]{1,80}")


def parse_rules(text: str) -> RuleSet:
    """Invalid, whose public text names the rule and what is wrong with it. Patterns are compiled elsewhere."""
    if len(text) > MAX_TEXT:
        raise _wrong(f"the rules have {len(text):,} characters; {MAX_TEXT:,} is the most")
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _wrong(f"no TOML: {error}") from error
    _known(document, _TOP, "at the top")
    reader = _Reader(_maps(document.get("maps", {})))
    rules = list(_traps(document.get("spamtraps", {}), reader))
    given = document.get("rule", [])
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise _wrong("rules are written as [[rule]], with both pairs of brackets")
    if len(given) > MAX_RULES:
        raise _wrong(f"{len(given)} rules; {MAX_RULES} is the most")
    rules += [reader.rule(each, place) for place, each in enumerate(given, 1)]
    return RuleSet(_in_order(rules))


class _Reader:
    def __init__(self, maps: Mapping[str, tuple[str, ...]]) -> None:
        self._maps = maps
        self._patterns = 0
        self._values = sum(map(len, maps.values()))

    def rule(self, given: Mapping[str, Any], place: int) -> Rule:
        name = given.get("name")
        if not isinstance(name, str) or _NAME.fullmatch(name) is None:
            raise _wrong(f"rule {place}: its name must be capitals, digits and _, 2 to 40 of them: LIKE_THIS")
        if name == TRAP:
            raise _wrong(f"rule {name}: the name is that of [spamtraps]")
        try:
            return self._rule(name, given)
        except Invalid as error:
            raise _wrong(f"rule {name}: {error.public}") from error

    def _rule(self, name: str, given: Mapping[str, Any]) -> Rule:
        _known(given, _KEYS, "in a rule")
        description = given.get("description", "")
        if not isinstance(description, str) or not description.strip() or len(description) > MAX_DESCRIPTION:
            raise _wrong(f"it needs a description of at most {MAX_DESCRIPTION} characters, for whoever asks why")
        score = given.get("score", 0.0)
        if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
            raise _wrong(f"its score is {score!r}, which is no number")
        if abs(score) > MAX_SCORE:
            raise _wrong(f"its score is {score}; scores lie between -{MAX_SCORE:g} and {MAX_SCORE:g}")
        verdict = given.get("verdict")
        if verdict is not None and verdict not in VERDICTS:
            raise _wrong(f"unknown verdict {verdict!r}{_nearest(verdict, VERDICTS)}")
        kind = None if verdict is None else VERDICTS[verdict]
        if "when" in given:
            beside = [key for key in ("where", *_TESTS) if key in given]
            if beside:
                raise _wrong(f"it has 'when' and {beside[0]!r}: a composite looks at symbols alone")
            return Rule(name, description, None, formula(_text(given, "when")), float(score), kind)
        return Rule(name, description, self.condition(given), (), float(score), kind)

    def condition(self, given: Mapping[str, Any]) -> Condition:
        if "where" not in given:
            raise _wrong("it says neither 'where' to look nor, as a composite, 'when'")
        where = _selector(_text(given, "where"))
        tests = [key for key in _TESTS if key in given]
        if len(tests) != 1:
            raise _wrong(f"it needs one of {', '.join(_TESTS)}" + (f", and has {' and '.join(tests)}" if tests else ""))
        test = tests[0]
        if test == "present":
            if not isinstance(given["present"], bool):
                raise _wrong("'present' is true or false")
            return Condition(where, present=given["present"])
        texts = _texts(given[test], test)
        if test == "matches":
            self._patterns += len(texts)
            if self._patterns > MAX_PATTERNS:
                raise _wrong(f"more than {MAX_PATTERNS} patterns in all rules")
            if any(len(text) > MAX_PATTERN for text in texts):
                raise _wrong(f"a pattern of more than {MAX_PATTERN} characters")
            return Condition(where, patterns=texts)
        if test == "in":
            values: list[str] = []
            for text in texts:
                if text not in self._maps:
                    raise _wrong(f"there is no map {text!r}{_nearest(text, self._maps)}")
                values += self._maps[text]
            texts = tuple(values)
        else:
            self._values += len(texts)
        if self._values > MAX_VALUES:
            raise _wrong(f"more than {MAX_VALUES:,} values in all maps and lists")
        return Condition(where, values=tuple(dict.fromkeys(_value(where, text) for text in texts)))


def _in_order(rules: list[Rule]) -> tuple[Rule, ...]:
    """Composites behind what they are made of."""
    known: set[str] = set()
    for rule in rules:
        if rule.name in known:
            raise _wrong(f"rule {rule.name}: the name stands twice")
        known.add(rule.name)
    for rule in rules:
        for name in names(rule.when):
            if name not in known:
                raise _wrong(f"rule {rule.name}: there is no rule {name!r}{_nearest(name, known)}")
    done = [rule for rule in rules if rule.condition is not None]
    there = {rule.name for rule in done}
    waiting = [rule for rule in rules if rule.condition is None]
    while waiting:
        ready = [rule for rule in waiting if there.issuperset(names(rule.when))]
        if not ready:
            raise _wrong(f"rule {waiting[0].name}: it is made of itself, through {', '.join(names(waiting[0].when))}")
        done += ready
        there.update(rule.name for rule in ready)
        waiting = [rule for rule in waiting if rule.name not in there]
    return tuple(done)


def _maps(given: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(given, dict):
        raise _wrong("[maps] holds lists by name")
    found = {}
    for name, values in given.items():
        if _MAP_NAME.fullmatch(name) is None:
            raise _wrong(f"map {name!r}: names are small letters, digits, _ and -, 40 at most")
        try:
            found[name] = _texts(values, "a map")
        except Invalid as error:
            raise _wrong(f"map {name}: {error.public}") from error
    if sum(map(len, found.values())) > MAX_VALUES:
        raise _wrong(f"more than {MAX_VALUES:,} values in all maps")
    return found


def _traps(given: Any, reader: _Reader) -> Iterable[Rule]:
    if not isinstance(given, dict):
        raise _wrong("[spamtraps] holds addresses = [...]")
    if not given:
        return
    _known(given, ("addresses",), "in [spamtraps]")
    try:
        addresses = _texts(given.get("addresses"), "addresses")
        for text in addresses:
            parse_address(text)
        condition = reader.condition({"where": "rcpt", "is": addresses})
    except Invalid as error:
        raise _wrong(f"[spamtraps]: {error.public}") from error
    yield Rule(TRAP, "Sent to an address that nobody uses", condition)


def _selector(text: str) -> str:
    if text.startswith(HEADER):
        field = text[len(HEADER) :].strip()
        if _FIELD.fullmatch(field) is None:
            raise _wrong(f"{field!r} is no name of a header field")
        return HEADER + field.lower()
    if text not in SELECTORS:
        raise _wrong(f"nothing is called {text!r}{_nearest(text, (*SELECTORS, HEADER + 'NAME'))}")
    return text


def _value(where: str, text: str) -> str:
    if where in NETWORKS:
        try:
            return str(ip_network(text.strip()))
        except ValueError as error:
            raise _wrong(f"{text!r} is no network: {error}") from error
    if where in DOMAINS:
        text = text.strip().lower()
        # HELO is what a client says of itself: an address literal or anything else is worth listing too.
        if where == "helo":
            return text
        return "*." + domain_name(text[2:]) if text.startswith("*.") else domain_name(text)
    return text.strip().lower()


def _text(given: Mapping[str, Any], key: str) -> str:
    value = given[key]
    if not isinstance(value, str):
        raise _wrong(f"{key!r} is not a text")
    return value


def _texts(value: Any, name: str) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise _wrong(f"{name!r} is a text or a list of texts, none of them empty")
    return tuple(texts)


def _known(given: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in given:
        if key not in known:
            raise _wrong(f"unknown key {key!r} {where}{_nearest(key, known)}")


def _nearest(name: object, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(str(name)[:80], list(known), n=1, cutoff=0.5)
    return f", perhaps {found[0]!r}" if found else ""


def _wrong(what: str) -> Invalid:
    return Invalid(f"rules: {what}", public=what)
