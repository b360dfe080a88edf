"""Header fields that only we may write are cut where a message enters; and hops are counted.

Cut: Return-Path (RFC 5321 §4.4: only the final delivery writes it), X-Posthouse-*, and Authentication-Results that
claim to come from us (RFC 8601 §5). What was cut is handed back, so that signatures over it can still be verified.

The common case (nothing to cut) is four searches at C speed over the lower-cased header block; the octets of the body
are never looked at.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_SUSPECTS: Final = (b"\r\nreturn-path", b"\r\nx-posthouse-", b"\r\nauthentication-results")
_RECEIVED: Final = b"\r\nreceived:"
# A field: its name, blanks that old mail has before the colon (RFC 5322 §4.5), its value with folded lines.
_FIELD = re.compile(rb"(?<=\r\n)([!-9;-~]+)[ \t]*:((?:[^\r\n]|\r\n[ \t])*)\r\n")
_COMMENT = re.compile(rb"\((?:[^()\\]|\\.)*\)", re.DOTALL)
_AUTHSERV_ID = re.compile(rb'[ \t\r\n]*(?:"([^"]*)"|([^\s;]+))')
_MAX_NESTING: Final = 20


class Trimmed(NamedTuple):
    header: bytes
    """The header block without the cut fields and without the empty line."""
    body_at: int
    """Where, in the octets given, the empty line and the body begin: the message is `header + octets[body_at:]`."""
    removed: tuple[bytes, ...]
    """Each cut field as it stood, with its CRLF, in order."""
    hops: int
    """How many Received fields it has."""


def trim(octets: bytes | bytearray, authserv_ids: frozenset[bytes]) -> Trimmed:
    """`octets`: CRLF and then the message (as `DataReader.message` has it). `authserv_ids`: our names, lower case."""
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


def _ours(name: bytes, value: bytes, authserv_ids: frozenset[bytes]) -> bool:
    if name == b"return-path" or name.startswith(b"x-posthouse-"):
        return True
    return name == b"authentication-results" and _authserv_id(value) in authserv_ids


def _authserv_id(value: bytes) -> bytes:
    """The name of who wrote an Authentication-Results field, lower case; empty where there is none.

    Comments may stand before it and nest; they are cut from the inside out, a bounded number of times.
    """
    head = value[:4096]
    for _ in range(_MAX_NESTING):
        head, cut = _COMMENT.subn(b" ", head)
        if not cut:
            break
    match = _AUTHSERV_ID.match(head)
    return b"" if match is None else (match[1] or match[2] or b"").strip().lower()
