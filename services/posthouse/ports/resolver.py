"""DNS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from posthouse.model.errors import Unavailable


class DnsTemporary(Unavailable):
    """Time-out, SERVFAIL, refused: nothing is known. Never to be read as "does not exist"."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`exists` False = NXDOMAIN; exists with no `records` = no data of that type."""

    records: Sequence[str]
    exists: bool
    authentic: bool = False
    """AD bit from a resolver configured as validating."""
    ttl: int = 0


class Resolver(Protocol):
    async def lookup(self, name: str, kind: str) -> Answer:
        """`kind`: A, AAAA, MX, TXT, PTR, CNAME, SRV, TLSA, NS. Records in presentation form, TXT strings joined,
        MX as "preference host". CNAMEs are followed. Raises DnsTemporary."""
        ...
