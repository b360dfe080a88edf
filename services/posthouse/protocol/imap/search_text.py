"""Text search in one message: substrings, whatever the case, in decoded headers and decoded text parts
(RFC 3501 §6.4.4). Attachments that are no text are not searched.

ASCII needles in mail without transfer encoding, which is most, are found in the octets as they lie."""

from __future__ import annotations

import binascii
import quopri
import re

from posthouse.protocol.mime.header import MAX_HEADER, Headers, header_end, unfold
from posthouse.protocol.mime.scan import Part, scan
from posthouse.protocol.mime.words import decode_octets, decode_raw, decode_words

# What in a header (lower case) means that the body cannot be searched as it lies.
_ENCODED = re.compile(
    rb"base64|quoted-printable|multipart/|message/|charset\s*=\s*\"?(?!us-ascii|utf-8|iso-8859-\d|windows-125)"
)
_BASE64_JUNK = re.compile(rb"[^A-Za-z0-9+/]+")


def header_contains(octets: bytes, name: bytes, text: str) -> bool:
    """A field of that (lower-case) name holds `text` (folded; empty = the field is there)."""
    header = octets[: header_end(octets, 0, len(octets))]
    return any(text in decode_words(value).casefold() for value in Headers(header).all(name))


def body_contains(octets: bytes, prefix: bytes, text: str, *, header: bool) -> bool:
    """`text` (folded) stands in the body; with `header`, in the header (prefix included) or the body."""
    body = header_end(octets, 0, len(octets))
    if header and text in decode_words(unfold(prefix + octets[: min(body, MAX_HEADER)])).casefold():
        return True
    if text.isascii() and _ENCODED.search(octets[:body].lower()) is None:
        return text.encode("ascii") in octets[body:].lower()
    return _part_contains(scan(octets), text)


def _part_contains(part: Part, text: str) -> bool:
    if part.children:
        return any(_part_contains(child, text) for child in part.children)
    if part.message is not None:
        nested = part.message
        if text in decode_words(unfold(nested.header[:MAX_HEADER])).casefold():
            return True
        return _part_contains(nested, text)
    if part.maintype != b"text":
        return False
    return text in decoded(part).casefold()


def decoded(part: Part) -> str:
    """The text of a leaf, its transfer encoding and charset undone; never raises."""
    content = part.content
    if part.encoding == b"base64":
        clean = _BASE64_JUNK.sub(b"", content)
        clean = clean[: len(clean) - 1] if len(clean) % 4 == 1 else clean
        content = binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))
    elif part.encoding == b"quoted-printable":
        content = quopri.decodestring(content)
    charset = next((value for name, value in part.parameters if name == b"charset"), b"").decode("ascii", "replace")
    if not charset or charset.lower() == "us-ascii":
        return decode_raw(content)
    return decode_octets(content, charset)
