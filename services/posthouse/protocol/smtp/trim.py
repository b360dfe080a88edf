"""Header fields that only we may write are cut where a message enters; and hops are counted.

Cut: Return-Path (RFC 5321 §4.4: only the final delivery writes it), X-Posthouse-*, and Authentication-Results that
claim to come from us (RFC 8601 §5; which do is mailauth's to say). What was cut is handed back, so that signatures over
it can still be verified.

The common case (nothing to cut) is four searches at C speed over the lower-cased header block; the octets of the body
are never looked at.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple, Protocol

_SUSPECTS: Final = (b"\r\nreturn-path", b"\r\nx-posthouse-", b"\r\nauthentication-results")
_RECEIVED: Final = b"\r\nreceived:"
# A field: its name, blanks that old mail has before the colon (RFC 5322 §4.5), its value with folded lines. Possessive:
# what could be given back costs 160 octets of memory for each octet of a value, and a header may be a whole message.
_FIELD = re.compile(rb"(?<=\r\n)([!-9;-~]++)[ \t]*+:((?:[^\r\n]++|\r\n[ \t])*+)\r\n")


class AuthservIds(Protocol):
    """Our names in Authentication-Results (mailauth.authres.ours.OurNames)."""

    def claimed_by(self, value: bytes) -> bool:
        """Whether a field of this value, as it stands behind the colon, says that we wrote it."""
        ...


class Trimmed(NamedTuple):
    header: bytes
    """The header block without the cut fields and without the empty line."""
    body_at: int
    """Where, in the octets given, the empty line and the body begin: the message is `header + octets[body_at:]`."""
    removed: tuple[bytes, ...]
    """Each cut field as it stood, with its CRLF, in order."""
    hops: int
    """How many Received fields it has."""


def trim(octets: bytes | bytearray, authserv_ids: AuthservIds) -> Trimmed:
    """`octets`: CRLF and then the message (as `DataReader.message` has it)."""
    end = octets.find(b"\r\n\r\n")
    end = len(octets) if end < 0 else end + 2
    header = bytes(octets[:end])
    lower = header.lower()
    hops = lower.count(_RECEIVED)
    for suspect in _SUSPECTS:
        if suspect in lower:
            break
    else:
        return Trimmed(header[2:], end, (), hops)
    kept = bytearray()
    removed: list[bytes] = []
    position = 2
    for field in _FIELD.finditer(header):
        if _ours(field[1].lower(), field[2], authserv_ids):
            kept += header[position : field.start()]
            removed.append(field[0])
            position = field.end()
    kept += header[position:]
    return Trimmed(bytes(kept), end, tuple(removed), hops)


def _ours(name: bytes, value: bytes, authserv_ids: AuthservIds) -> bool:
    if name == b"return-path" or name.startswith(b"x-posthouse-"):
        return True
    return name == b"authentication-results" and authserv_ids.claimed_by(value)
