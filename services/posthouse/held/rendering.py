"""A held message as plain text for a person: nothing in it runs, nothing is fetched, nothing drives a terminal. Pure.

HTML becomes the text that a reader would see. Characters that print nothing (controls, escape sequences, bidirectional
overrides, zero-width ones) become `?`. Attachments are named with type and size, and never opened. Everything has a
bound; what is past it is left out and said so. No octets make this raise.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from typing import Final

from posthouse.protocol.mime.header import header_end
from posthouse.protocol.mime.parameters import parameter
from posthouse.protocol.mime.scan import Part, scan
from posthouse.protocol.mime.words import decode_octets, decode_raw, decode_words
from posthouse.spam.text.html import read_html

MAX_OCTETS: Final = 262_144
"""Of a message that are read."""
MAX_HEADER: Final = 16_384
"""Characters of the header that are shown."""
MAX_TEXT: Final = 20_000
"""Characters of the text that are shown."""
MAX_LINE: Final = 500
"""Characters; longer lines are broken."""
MAX_ATTACHMENTS: Final = 50

_MAX_VALUE: Final = 2_000
"""Octets of a field that are read for one line."""
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_BLANKS = re.compile(r"[^\S\n]+")
_EMPTY_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Rendered:
    header: str
    text: str
    attachments: tuple[str, ...]
    """`application/pdf "invoice.pdf", 12345 octets`."""
    cut: bool
    """Something was left out."""


def render(octets: bytes) -> Rendered:
    """`octets`: the message, or its first MAX_OCTETS."""
    octets = octets[:MAX_OCTETS]
    end = header_end(octets, 0, len(octets))
    header = _safe(decode_raw(octets[:end])).strip("\n")
    pieces: list[str] = []
    attachments: list[str] = []
    room, cut = MAX_TEXT, len(octets) >= MAX_OCTETS or len(header) > MAX_HEADER
    for part in _leaves(scan(octets)):
        if not _is_text(part):
            if len(attachments) < MAX_ATTACHMENTS:
                attachments.append(_named(part))
            else:
                cut = True
            continue
        text = _text(part).strip()
        cut = cut or len(text) > room
        if text and room > 0:
            pieces.append(text[:room])
            room -= len(text)
    return Rendered(header[:MAX_HEADER], "\n\n".join(pieces), tuple(attachments), cut)


def field(octets: bytes, name: bytes, most: int) -> str:
    """The first field of that (lower-case) name, decoded and harmless, on one line; empty where there is none."""
    end = header_end(octets, 0, len(octets))
    found = re.search(
        rb"\n" + re.escape(name) + rb"[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", b"\n" + octets[:end], re.IGNORECASE
    )
    if found is None:
        return ""
    value = found[1][:_MAX_VALUE].replace(b"\r", b"").replace(b"\n", b"")
    text = " ".join(_safe(decode_words(value)).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def _leaves(root: Part) -> list[Part]:
    """In order. Of a message in several forms all are given: they may say different things."""
    leaves, todo = [], [root]
    while todo:
        part = todo.pop()
        if part.children:
            todo.extend(reversed(part.children))
        elif part.message is not None:
            todo.append(part.message)
        else:
            leaves.append(part)
    return leaves


def _is_text(part: Part) -> bool:
    attached = part.disposition is not None and part.disposition[0] == b"attachment"
    return part.maintype == b"text" and part.subtype in (b"plain", b"html") and not attached


def _named(part: Part) -> str:
    name = parameter(part.disposition[1], b"filename") if part.disposition is not None else None
    name = name or parameter(part.parameters, b"name") or b""
    shown = " ".join(_safe(decode_words(name[:400])).split())[:100]
    kind = _safe(f"{part.maintype.decode('latin-1')}/{part.subtype.decode('latin-1')}")[:100]
    return f'{kind} "{shown}", {part.end - part.body} octets'


def _text(part: Part) -> str:
    octets = part.content
    if part.encoding == b"quoted-printable":
        octets = binascii.a2b_qp(octets)
    elif part.encoding == b"base64":
        run = _NOT_BASE64.sub(b"", octets)
        run = run[: len(run) - (len(run) % 4 == 1)]
        octets = binascii.a2b_base64(run + b"=" * (-len(run) % 4))
    charset = (parameter(part.parameters, b"charset") or b"").decode("latin-1").strip("'\" ").lower()[:40]
    text = decode_raw(octets) if charset in ("", "us-ascii", "ascii") else decode_octets(octets, charset)
    if part.subtype == b"html":
        text = _BLANKS.sub(" ", read_html(text).text)
    return _EMPTY_LINES.sub("\n\n", _safe(text))


def _safe(text: str) -> str:
    """Lines of at most MAX_LINE characters, each of which prints."""
    lines = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").split("\n"):
        harmless = line if line.isprintable() else "".join([c if c.isprintable() else "?" for c in line])
        lines += [harmless[at : at + MAX_LINE] for at in range(0, len(harmless) or 1, MAX_LINE)]
    return "\n".join(lines)
