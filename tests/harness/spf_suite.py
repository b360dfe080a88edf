"""The openspf.org test suite for RFC 7208 (YAML), as cases and as zones that answer like DNS.

Shared by the tests of our evaluator and of pyspf's, so that both read the same zones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from posthouse.ports.resolver import Answer, DnsTemporary

SUITE = Path(__file__).parents[1] / "unit" / "mailauth" / "spf" / "data" / "rfc7208-tests.yml"
MAX_CNAMES = 8
TIMEOUT = "TIMEOUT"

Records = list[tuple[str, Any]]


@dataclass
class SuiteZones:
    """ports.Resolver over a scenario's zonedata. A name with a bare TIMEOUT answers no type that it does not list."""

    zones: dict[str, Records]
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def lookup(self, name: str, kind: str) -> Answer:
        self.asked.append((name, kind))
        for _ in range(MAX_CNAMES):
            name = name.lower().rstrip(".")
            records = self.zones.get(name)
            if records is None:
                if name.startswith("error."):
                    raise DnsTemporary(f"{name}: time-out")
                return Answer((), exists=False)
            found = [value for type_, value in records if type_ == kind]
            alias = [value for type_, value in records if type_ == "CNAME"]
            if TIMEOUT in found or (not found and any(type_ == TIMEOUT for type_, _ in records)):
                raise DnsTemporary(f"{name} {kind}: time-out")
            if found or not alias:
                return Answer(tuple(map(presented, found)), exists=True)
            name = alias[0]
        return Answer((), exists=False)


def presented(value: Any) -> str:
    if isinstance(value, list):
        return (" " if value and isinstance(value[0], int) else "").join(str(part) for part in value)
    return str(value)


@dataclass(frozen=True)
class Case:
    name: str
    host: str
    helo: str
    mail_from: str
    results: tuple[str, ...]
    """Any of these is right; the first is preferred."""
    explanation: str | None
    zones: dict[str, Records]


def cases() -> Iterator[Case]:
    with SUITE.open(encoding="utf-8") as suite:
        for scenario in yaml.safe_load_all(suite):
            zones = {name.lower(): records(entries) for name, entries in scenario["zonedata"].items()}
            for name, test in scenario["tests"].items():
                result = test["result"]
                yield Case(
                    name,
                    test["host"],
                    str(test["helo"] or ""),
                    str(test["mailfrom"] or ""),
                    (result,) if isinstance(result, str) else tuple(result),
                    test.get("explanation"),
                    zones,
                )


def records(entries: list[Any]) -> Records:
    """SPF (type 99) records stand for TXT where a name has no TXT of its own, by the suite's convention."""
    found: Records = []
    copied: Records = []
    has_text = False
    for entry in entries:
        if entry == TIMEOUT:
            found.append((TIMEOUT, TIMEOUT))
            continue
        for kind, value in entry.items():
            if kind == "TXT":
                has_text = True
            elif kind == "SPF":
                copied.append(("TXT", value))
            if value != "NONE":
                found.append((kind, value))
    return found if has_text else found + copied
