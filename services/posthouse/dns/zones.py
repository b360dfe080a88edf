"""A resolver over zones in memory: ports.Resolver without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from posthouse.dns.query import KINDS, wire_name
from posthouse.ports.resolver import Answer, DnsTemporary

MAX_CNAMES = 8


class ZoneResolver:
    """`zones`: name → type → records in presentation form; a CNAME stands alone. Names in `failing` time out."""

    def __init__(self, zones: Mapping[str, Mapping[str, Sequence[str]]], failing: Sequence[str] = ()) -> None:
        self._zones = {_normal(name): records for name, records in zones.items()}
        self._failing = {_normal(name) for name in failing}

    def remembered(self, name: str, kind: str) -> Answer | None:
        """dns.budget.RememberingResolver: nothing is known without asking."""
        return None

    async def lookup(self, name: str, kind: str) -> Answer:
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is not one of {', '.join(KINDS)}")
        wanted = _normal(name)
        if wire_name(wanted) is None:
            return Answer((), exists=False)
        for _ in range(MAX_CNAMES):
            if wanted in self._failing:
                raise DnsTemporary(f"{wanted} {kind}: time-out")
            records = self._zones.get(wanted)
            if records is None:
                # An empty non-terminal exists though it has no records (RFC 8020 §2).
                below = any(other.endswith("." + wanted) for other in self._zones)
                return Answer((), exists=below)
            if kind in records:
                return Answer(tuple(records[kind]), exists=True)
            if "CNAME" not in records:
                return Answer((), exists=True)
            wanted = _normal(records["CNAME"][0])
        raise DnsTemporary(f"{name} {kind}: more than {MAX_CNAMES} CNAMEs")


def _normal(name: str) -> str:
    return name.rstrip(".").lower()
