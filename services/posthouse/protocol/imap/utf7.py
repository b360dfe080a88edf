"""Modified UTF-7 (RFC 3501 §5.1.3): how mailbox names stand on the wire before UTF8=ACCEPT.

Strict in one direction only: a name must decode and hold no control characters, but a client that sends raw UTF-8 in a
quoted name is refused, since other clients could not be told that name.
"""

from __future__ import annotations

import binascii
import re

_SHIFTED = re.compile(rb"&([A-Za-z0-9+,]*)-")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


class NotUtf7(ValueError):
    """The octets are no modified UTF-7."""


def decode_utf7(raw: bytes) -> str:
    """Wire → name. NotUtf7 for 8-bit octets, broken shifts, lone surrogates and control characters."""
    if b"&" not in raw:
        text = _ascii(raw)
    else:
        out: list[str] = []
        at = 0
        for match in _SHIFTED.finditer(raw):
            out.append(_ascii(raw[at : match.start()], shifted=True))
            out.append(_decode_shift(match.group(1)))
            at = match.end()
        out.append(_ascii(raw[at:], shifted=True))
        text = "".join(out)
    if any(c < " " or "\x7f" <= c <= "\x9f" for c in text):
        raise NotUtf7("control character")
    return text


def _ascii(raw: bytes, *, shifted: bool = False) -> str:
    if not raw.isascii() or (shifted and b"&" in raw):
        raise NotUtf7("8-bit or stray &")
    return raw.decode("ascii")


def _decode_shift(inner: bytes) -> str:
    if not inner:
        return "&"
    try:
        octets = binascii.a2b_base64(inner.replace(b",", b"/") + b"=" * (-len(inner) % 4))
        return octets.decode("utf-16-be")
    except (binascii.Error, UnicodeDecodeError) as e:
        raise NotUtf7("broken shift") from e


def encode_utf7(name: str) -> bytes:
    """Name → wire."""
    if name.isascii() and name.isprintable():
        return name.replace("&", "&-").encode("ascii") if "&" in name else name.encode("ascii")
    return _UNPRINTABLE.sub(_encode_shift, name.replace("&", "&-")).encode("ascii")


def _encode_shift(match: re.Match[str]) -> str:
    octets = match.group().encode("utf-16-be", "surrogatepass")
    return "&" + binascii.b2a_base64(octets, newline=False).decode("ascii").rstrip("=").replace("/", ",") + "-"
