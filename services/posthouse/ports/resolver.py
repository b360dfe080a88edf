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
    """Seconds left."""
    stale: bool = False
    """Older than its TTL, because nobody answered (RFC 8767). Records only: that something does not exist is never said
    from memory. TLSA is never stale. `authentic` is what it was."""


class Resolver(Protocol):
    async def lookup(self, name: str, kind: str) -> Answer:
        """`kind`: A, AAAA, MX, TXT, PTR, CNAME, SRV, TLSA, NS; another is a ValueError. Records in presentation form:
        TXT strings joined, octets that are no UTF-8 as surrogates; host names in lower case without the last dot, the
        root is "."; MX "preference host", SRV "priority weight port host", TLSA "usage selector matching hex".

        `name`: labels with dots between, in any case, as they stand: there are no escapes, and international names
        come as A-labels. A name that the DNS cannot hold (a label above 63 octets, an empty one, more than 255 in all,
        anything beyond ASCII) does not exist. CNAMEs are followed. Raises DnsTemporary.

        Who gives up (cancels, asyncio.timeout) takes the answer from nobody else who waits for it."""
        ...
