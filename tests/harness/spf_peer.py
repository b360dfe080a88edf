"""pyspf as a second opinion: its query() over zones in memory.

pyspf looks names up by a function of its module; it is replaced for the time of one question and put back.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address
from typing import Any

import spf

from harness.spf_suite import TIMEOUT, Records


def peer_result(zones: dict[str, Records], address: str, mail_from: str, helo: str) -> tuple[str, str]:
    """(result, explanation); the explanation is `DEFAULT` where the domain gives none."""

    def look_up(name: str, kind: str, *_: Any, **__: Any) -> Iterator[tuple[tuple[str, str], Any]]:
        for type_, value in zones.get(name.lower().rstrip("."), ()):
            if type_ == TIMEOUT or (type_ == kind and value == TIMEOUT):
                raise spf.TempError("DNS time-out")
            if type_ == "AAAA":
                value = IPv6Address(value).packed
            elif type_ == "TXT":
                value = (value.encode(),) if isinstance(value, str) else tuple(part.encode() for part in value)
            elif type_ == "MX":
                value = tuple(value)
            if type_ in (kind, "CNAME"):
                yield (name, type_), value

    kept = spf.DNSLookup
    spf.DNSLookup = look_up
    try:
        query = spf.query(i=address, s=mail_from, h=helo, strict=True)
        query.set_default_explanation("DEFAULT")
        result, _, explanation = query.check()
    finally:
        spf.DNSLookup = kept
    return result, explanation
