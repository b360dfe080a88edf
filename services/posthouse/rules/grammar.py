"""What rules are made of, and how much of it there may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from posthouse.model.verdict import VerdictKind

MAX_TEXT: Final = 65_536
"""Characters of a rule set."""
MAX_RULES: Final = 500
MAX_PATTERNS: Final = 1_000
"""Of a rule set."""
MAX_PATTERN: Final = 1_000
"""Characters of one pattern."""
MAX_VALUES: Final = 5_000
"""Of all maps and lists of a rule set."""
MAX_SCORE: Final = 10.0
"""Log-odds that one rule may add or take away, and all rules of one set together."""
MAX_DESCRIPTION: Final = 200
TRAP: Final = "SPAMTRAP"
"""The symbol of mail to a spamtrap."""

HEADER: Final = "header:"
"""What a selector of a header field begins with."""
DOMAINS: Final = frozenset({"reverse-path-domain", "rcpt-domain", "author-domain", "domain", "url-host", "helo"})
"""Selectors whose lists hold domains: `*.example.net` is everything below it."""
NETWORKS: Final = frozenset({"client-ip"})
"""Selectors whose lists hold networks."""
RCPTS: Final = frozenset({"rcpt", "rcpt-domain"})
SELECTORS: Final = (
    "reverse-path",
    "reverse-path-domain",
    "rcpt",
    "rcpt-domain",
    "client-ip",
    "helo",
    "login",
    "author",
    "author-domain",
    "address",
    "domain",
    "body",
    "url",
    "url-host",
    "attachment-name",
    "attachment-type",
    "attachment-sha256",
)
"""Beside `header:NAME`."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Met by one value of what the selector names; exactly one of the three is set."""

    where: str
    patterns: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    """In normal form: lower case, networks as networks."""
    present: bool | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    description: str
    condition: Condition | None
    """None = a composite."""
    when: tuple[str, ...] = ()
    """A composite's formula as expression.py makes it."""
    score: float = 0.0
    """Log-odds of spam."""
    verdict: VerdictKind | None = None


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one level, composites behind what they are made of."""

    rules: tuple[Rule, ...]
