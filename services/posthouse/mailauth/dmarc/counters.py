"""What aggregate reports will need (RFC 9990), counted as mail comes in: pure, in memory, within a bound.

One row per (policy domain, source address, disposition, results); `take` empties the counters for whoever stores them.
Above the bound new rows are refused and counted in `dropped`: known rows still count on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from posthouse.mailauth.dmarc.disposition import Disposition
from posthouse.mailauth.dmarc.evaluate import Evaluation
from posthouse.model.authentication import AuthenticationResults, AuthResult, DmarcPolicy

MAX_ROWS = 50_000
"""Rows kept, about 1 KiB each."""
MAX_SIGNATURES = 12
"""DKIM results in a row (RFC 9990 asks for those that matter; 100 at most)."""


@dataclass(frozen=True, slots=True)
class PublishedPolicy:
    """`policy_published` of a report."""

    domain: str
    policy: DmarcPolicy
    subdomains: DmarcPolicy | None
    nonexistent: DmarcPolicy | None
    strict_dkim: bool
    strict_spf: bool
    testing: bool
    failure_options: str
    discovery_method: str
    """`treewalk` or `psl`."""
    rua: tuple[str, ...]
    """Not part of a report: where it goes."""


@dataclass(frozen=True, slots=True)
class Row:
    """`record` of a report, less its count."""

    published: PublishedPolicy
    source_ip: str
    disposition: str
    """`none`, `pass`, `quarantine` or `reject`."""
    dkim_aligned: bool
    spf_aligned: bool
    reasons: tuple[str, ...]
    """PolicyOverrideType."""
    header_from: str
    envelope_from: str
    """The domain of MAIL FROM; empty for the null sender."""
    dkim: tuple[tuple[str, str, str], ...]
    """Domain, selector, result of each signature that names a domain."""
    spf: tuple[str, str] | None
    """Domain and result of SPF for MAIL FROM."""


def row_of(
    evaluation: Evaluation,
    found: AuthenticationResults,
    disposition: Disposition,
    *,
    source_ip: str,
    envelope_from: str,
    by_list: bool = False,
) -> Row | None:
    """None when nobody asks for a report (no record, or no rua=: RFC 9989 §4.7), or nothing is known (temperror)."""
    result, record = evaluation
    if record is None or not record.rua or result.result not in (AuthResult.PASS, AuthResult.FAIL):
        return None
    return Row(
        published=PublishedPolicy(
            domain=result.policy_domain,
            policy=record.policy or DmarcPolicy.NONE,
            subdomains=record.subdomains,
            nonexistent=record.nonexistent,
            strict_dkim=record.strict_dkim,
            strict_spf=record.strict_spf,
            testing=record.testing,
            failure_options=record.failure_options,
            discovery_method="psl" if by_list else "treewalk",
            rua=record.rua,
        ),
        source_ip=source_ip,
        disposition="pass" if result.result is AuthResult.PASS else disposition.action.value,
        dkim_aligned=result.dkim_aligned,
        spf_aligned=result.spf_aligned,
        reasons=disposition.reported,
        header_from=result.author_domain,
        envelope_from=envelope_from,
        dkim=tuple((one.domain, one.selector, one.result.value) for one in found.dkim[:MAX_SIGNATURES] if one.domain),
        spf=None if found.spf is None else (found.spf.domain, found.spf.result.value),
    )


class AggregateCounters:
    """For one thread."""

    __slots__ = ("_limit", "_rows", "dropped")

    def __init__(self, limit: int = MAX_ROWS) -> None:
        self._rows: dict[Row, int] = {}
        self._limit = limit
        self.dropped = 0
        """Messages not counted since the last `take`."""

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: Row | None) -> None:
        if row is None:
            return
        known = self._rows.get(row)
        if known is None and len(self._rows) >= self._limit:
            self.dropped += 1
        else:
            self._rows[row] = (known or 0) + 1

    def take(self) -> tuple[Mapping[Row, int], int]:
        """All rows with their counts, and how many messages were not counted. Starts anew."""
        taken, dropped = self._rows, self.dropped
        self._rows, self.dropped = {}, 0
        return taken, dropped
