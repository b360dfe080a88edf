"""A rule set ready to be asked: all patterns of a selector in one re2.Set, lists as dictionaries.

re2 matches in time linear in the text whatever the pattern, and a pattern that would need more memory than its share is
refused when the rules are checked. A Set that failed to compile must never be asked: it crashes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Final

import re2

from posthouse.model.errors import Invalid
from posthouse.rules.expression import holds
from posthouse.rules.grammar import DOMAINS, MAX_SCORE, NETWORKS, Rule, RuleSet
from posthouse.rules.message_view import MessageView
from posthouse.rules.parse import parse_rules

PATTERN_MEMORY: Final = 1024 * 1024
"""Octets that one compiled pattern may take."""
SET_MEMORY: Final = 16 * 1024 * 1024
"""Octets of all patterns of a rule set together, the states met while matching included."""


@dataclass(slots=True)
class _Probe:
    """All that one selector is asked for; numbers are places in the rule set."""

    where: str
    patterns: list[tuple[str, int]] = field(default_factory=list)
    together: Any = None
    """re2.Set of the patterns; None where there are none."""
    exact: dict[str, list[int]] = field(default_factory=dict)
    below: dict[str, list[int]] = field(default_factory=dict)
    """By domain, of `*.domain`."""
    networks: list[tuple[IPv4Network | IPv6Network, int]] = field(default_factory=list)
    present: list[int] = field(default_factory=list)
    absent: list[int] = field(default_factory=list)

    def add(self, rule: Rule, place: int) -> None:
        condition = rule.condition
        assert condition is not None
        self.patterns += [(pattern, place) for pattern in condition.patterns]
        if condition.present is not None:
            (self.present if condition.present else self.absent).append(place)
        for value in condition.values:
            if self.where in NETWORKS:
                self.networks.append((ip_network(value), place))
            elif self.where in DOMAINS and value.startswith("*."):
                self.below.setdefault(value[2:], []).append(place)
            else:
                self.exact.setdefault(value, []).append(place)

    def met(self, value: str) -> Iterable[int]:
        """Places of the rules that this value meets."""
        if self.together is not None:
            yield from self._matching(value)
        if self.exact:
            yield from self.exact.get(value.lower(), ())
        if self.below:
            above = value.lower().partition(".")[2]
            while above:
                yield from self.below.get(above, ())
                above = above.partition(".")[2]
        if self.networks:
            yield from self._networks(value)

    def _matching(self, value: str) -> Iterable[int]:
        numbers = self.together.Match(value.encode("utf-8", "replace"))
        if numbers:
            # The last is the one that is always there.
            return [self.patterns[number][1] for number in numbers if number < len(self.patterns)]
        # No memory left for the states that this text leads to: each alone has a way without any.
        return [place for pattern, place in self.patterns if _pattern(pattern).search(value) is not None]

    def _networks(self, value: str) -> Iterable[int]:
        try:
            address = ip_address(value)
        except ValueError:
            return
        for network, place in self.networks:
            if address in network:
                yield place


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that is true of the message."""

    rule: Rule
    score: float
    """What it adds, after the cap on the whole set."""


class CompiledRules:
    """To be made by `compile_rules`."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules.rules
        self._composites = [rule for rule in rules.rules if rule.condition is None]
        probes: dict[str, _Probe] = {}
        for place, rule in enumerate(rules.rules):
            if rule.condition is not None:
                where = rule.condition.where
                probes.setdefault(where, _Probe(where)).add(rule, place)
        self._probes = tuple(probes.values())
        share = SET_MEMORY // max(1, sum(bool(probe.patterns) for probe in self._probes))
        for probe in self._probes:
            if probe.patterns:
                probe.together = _together(probe, rules, share)
        self.reads_content = any(not _of_envelope(probe.where) for probe in self._probes)
        """Whether the message's octets are needed at all."""
        self.hashes = "attachment-sha256" in probes
        """Whether the whole of them is."""

    def evaluate(self, view: MessageView) -> tuple[Hit, ...]:
        """The rules that are true of it, in the order of the set."""
        found: set[int] = set()
        for probe in self._probes:
            values = view.values(probe.where)
            found.update(probe.present if values else probe.absent)
            for value in values:
                found.update(probe.met(value))
        symbols = {self.rules[place].name for place in found}
        for rule in self._composites:
            if holds(rule.when, symbols):
                symbols.add(rule.name)
        if not symbols:
            return ()
        hits = [rule for rule in self.rules if rule.name in symbols]
        total = abs(sum(rule.score for rule in hits))
        factor = MAX_SCORE / total if total > MAX_SCORE else 1.0
        return tuple([Hit(rule, rule.score * factor) for rule in hits])

    def explain(self, view: MessageView) -> tuple[tuple[Hit, str], ...]:
        """With the value that each met, shortened; empty for composites and for what is absent."""
        return tuple([(hit, self._value(hit.rule, view)) for hit in self.evaluate(view)])

    def _value(self, rule: Rule, view: MessageView) -> str:
        if rule.condition is None or rule.condition.present is False:
            return ""
        probe = next(each for each in self._probes if each.where == rule.condition.where)
        for value in view.values(probe.where):
            for pattern in rule.condition.patterns:
                match = _pattern(pattern).search(value)
                if match is not None:
                    return str(match.group(0))[:80]
            if rule.condition.present or rule in [self.rules[place] for place in probe.met(value)]:
                return value[:80]
        return ""


def compile_rules(text: str) -> CompiledRules:
    """Invalid, whose public text names what is wrong."""
    return CompiledRules(parse_rules(text))


def _of_envelope(where: str) -> bool:
    return where in ("reverse-path", "reverse-path-domain", "rcpt", "rcpt-domain", "client-ip", "helo", "login")


def _together(probe: _Probe, rules: RuleSet, memory: int) -> Any:
    for pattern, place in probe.patterns:
        try:
            _pattern(pattern)
        except Invalid as error:
            raise Invalid(
                f"rules: pattern: {error.reason}", public=f"rule {rules.rules[place].name}: {error.public}"
            ) from error
    together = re2.Set.SearchSet(_options(memory))
    try:
        for pattern, _ in probe.patterns:
            together.Add(pattern)
        # Met by every text: a Set that runs out of memory says that nothing matches.
        together.Add("")
        together.Compile()
    except re2.error as error:
        raise _too_large(probe.where, str(error)) from error
    if not together.Match(b""):
        raise _too_large(probe.where, "no memory for a first state")
    return together


def _too_large(where: str, reason: str) -> Invalid:
    return Invalid(f"rules: {reason}", public=f"the patterns over {where!r} are too large together; use maps for lists")


def _pattern(pattern: str) -> Any:
    try:
        return re2.compile(pattern, _options(PATTERN_MEMORY))
    except re2.error as error:
        cause = error.args[0] if error.args else error
        text = cause.decode("utf-8", "replace") if isinstance(cause, bytes) else str(cause)
        raise Invalid(f"{pattern!r}: {text}", public=f"the pattern {pattern!r} cannot be used: {text}") from error


def _options(memory: int) -> Any:
    options = re2.Options()
    options.max_mem = memory
    options.log_errors = False
    return options
