"""One message, read once for all channels: header fields, visible text, links, attachments, and counts.

A tolerant walk over the parts that protocol/mime finds, with a bound on everything that a message can drive up; what
lies behind a bound is named in `limits`. Never raises, whatever the octets. Not done here: opening archives, rendering
documents, looking anything up.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field
from typing import Final

from posthouse.protocol.mime.header import MAX_HEADER, header_end, unfold
from posthouse.protocol.mime.parameters import parameter
from posthouse.protocol.mime.scan import Part, scan
from posthouse.protocol.mime.words import decode_octets, decode_raw, decode_words
from posthouse.spam.text.html import Html, read_html
from posthouse.spam.text.links import MAX_URLS, Link, plain_links
from posthouse.spam.text.normalise import normalise

MAX_TEXT: Final = 65_536
"""Characters of decoded text of a message; of a longer part the head and the last quarter are read."""
MAX_LEAVES: Final = 200
"""Leaf parts that are looked at."""
MAX_FIELDS: Final = 500
"""Header fields that are looked at."""
HEAD: Final = 6_000
TAIL: Final = 2_000
"""The windows of visible text that channels see: padding behind the head cannot bury what stands at the end."""

_FIELDS = re.compile(rb"\n([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)")
# Spam says text/plain and sends HTML: who reads it as text sees only tags.
_MARKUP = re.compile(r"(?i)<(?:html|!doctype html|body)\b")
_MAX_VALUE: Final = 8_192
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


@dataclass(frozen=True, slots=True)
class Attachment:
    type: str
    name: str
    size: int
    """Octets as transferred."""


@dataclass(slots=True)
class Message:
    fields: list[tuple[str, bytes]] = field(default_factory=list)
    """(lower-case name, unfolded value) in order, at most MAX_FIELDS; values at most 8 KB."""
    first: dict[str, bytes] = field(default_factory=dict)
    """The first value of each name."""
    subject: str = ""
    sender: str = ""
    """The From field, decoded."""
    text: str = ""
    """The windows of normalised visible text."""
    raw_text: str = ""
    """The same windows before normalisation, for what case and spelling tell."""
    length: int = 0
    """Characters of visible text before the windows were cut."""
    links: list[Link] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    """Types of the parts, depth first."""
    charsets: list[str] = field(default_factory=list)
    encodings: list[str] = field(default_factory=list)
    html: int = 0
    """Characters of HTML markup."""
    plain: int = 0
    """Characters of plain text."""
    hidden: int = 0
    comments: int = 0
    splits: int = 0
    white: int = 0
    invisible: int = 0
    mixed: int = 0
    tags: dict[str, int] = field(default_factory=dict)
    title: bool = False
    undecodable: int = 0
    """Characters that stand for octets which the named charset does not have."""
    size: int = 0
    header_size: int = 0
    limits: list[str] = field(default_factory=list)
    """What was not read, by name."""


def read_message(octets: bytes) -> Message:
    """Reads a sanitised message."""
    message = Message(size=len(octets))
    _read_header(octets, message)
    try:
        leaves = _leaves(scan(octets), message)
    except RecursionError:
        # scan's own depth is bounded, but a caller may stand deep already: the text is then the body as it is.
        message.limits.append("depth")
        leaves = []
    _read_text(leaves, message)
    return message


def _read_header(octets: bytes, message: Message) -> None:
    end = header_end(octets, 0, len(octets))
    message.header_size = end
    if end > MAX_HEADER:
        message.limits.append("header")
    for name, value in _FIELDS.findall(b"\n" + octets[: min(end, MAX_HEADER)]):
        if len(message.fields) >= MAX_FIELDS:
            message.limits.append("fields")
            break
        key = name.decode("ascii").lower()
        text = unfold(value[:_MAX_VALUE])
        message.fields.append((key, text))
        message.first.setdefault(key, text)
    subject = normalise(decode_words(message.first.get("subject", b"")))
    sender = normalise(decode_words(message.first.get("from", b"")))
    message.subject, message.sender = subject.text[:1_000], sender.text[:500]
    message.invisible = subject.invisible + sender.invisible
    message.mixed = subject.mixed + sender.mixed


def _leaves(root: Part, message: Message) -> list[Part]:
    leaves: list[Part] = []
    todo = [root]
    while todo:
        part = todo.pop()
        if len(message.types) < 2 * MAX_LEAVES:
            message.types.append(f"{part.maintype.decode('latin-1')}/{part.subtype.decode('latin-1')}"[:100])
        if part.children:
            todo.extend(reversed(part.children))
        elif part.message is not None:
            todo.append(part.message)
        elif len(leaves) < MAX_LEAVES:
            leaves.append(part)
        else:
            message.limits.append("parts")
            break
    return leaves


def _read_text(leaves: list[Part], message: Message) -> None:
    budget = MAX_TEXT
    pieces: list[str] = []
    plain: list[str] = []
    for part in leaves:
        named = parameter(part.parameters, b"name") or b""
        disposition = b""
        if part.disposition is not None:
            disposition = part.disposition[0]
            named = parameter(part.disposition[1], b"filename") or named
        if part.encoding:
            message.encodings.append(part.encoding.decode("latin-1")[:20])
        attached = disposition == b"attachment" or bool(named)
        if part.maintype != b"text" or (attached and part.subtype not in (b"plain", b"html")):
            message.attachments.append(
                Attachment(
                    f"{part.maintype.decode('latin-1')}/{part.subtype.decode('latin-1')}"[:100],
                    decode_words(named[:400]).lower(),
                    part.end - part.body,
                )
            )
            continue
        if attached:
            message.attachments.append(
                Attachment(
                    "text/" + part.subtype.decode("latin-1")[:60],
                    decode_words(named[:400]).lower(),
                    part.end - part.body,
                )
            )
        if budget <= 0:
            message.limits.append("text")
            continue
        text = _decoded(part, budget, message)
        budget -= len(text)
        if part.subtype == b"html" or ("<" in text[:500] and _MARKUP.search(text, 0, 2_000) is not None):
            seen = read_html(text)
            _add(seen, message)
            message.html += len(text)
            pieces.append(seen.text)
        else:
            message.plain += len(text)
            plain.append(text)
            message.links += plain_links(text)[: MAX_URLS - len(message.links)]
    if len(message.links) >= MAX_URLS:
        message.limits.append("links")
    # Of a message in two forms the HTML is what people see; plain text beside it may say anything.
    whole = " ".join(pieces + plain) if len(" ".join(pieces)) >= 40 or not plain else " ".join(plain + pieces)
    message.length = len(whole)
    message.raw_text = whole if len(whole) <= HEAD + TAIL else f"{whole[:HEAD]} {whole[-TAIL:]}"
    normal = normalise(message.raw_text)
    message.text = normal.text
    message.invisible += normal.invisible
    message.mixed += normal.mixed


def _add(seen: Html, message: Message) -> None:
    message.links += seen.links[: MAX_URLS - len(message.links)]
    message.sources += seen.sources[: MAX_URLS - len(message.sources)]
    message.hidden += seen.hidden
    message.comments += seen.comments
    message.splits += seen.splits
    message.white += seen.white
    message.title = message.title or seen.title
    for name, count in seen.tags.items():
        message.tags[name] = message.tags.get(name, 0) + count


def _decoded(part: Part, budget: int, message: Message) -> str:
    """The text of a leaf; of a long one the head, and the last quarter of what may be read."""
    content = part.content
    room = budget * 3 if part.encoding == b"quoted-printable" else budget * 3 // 2
    if len(content) > room:
        if "text" not in message.limits:
            message.limits.append("text")
        cut = content.rfind(b"\n", 0, room * 3 // 4) + 1 or room * 3 // 4
        behind = content.find(b"\n", len(content) - room // 4) + 1 or len(content) - room // 4
        octets = _untransferred(content[:cut], part.encoding) + b"\n" + _untransferred(content[behind:], part.encoding)
    else:
        octets = _untransferred(content, part.encoding)
    declared = parameter(part.parameters, b"charset")
    name = (declared or b"").decode("latin-1").strip("'\" ").lower()[:40]
    if name and len(message.charsets) < 50:
        message.charsets.append(name)
    if name in ("", "us-ascii", "ascii"):
        text = decode_raw(octets)
    else:
        text = decode_octets(octets, name)
    if len(text) > budget:
        text = text[: budget * 3 // 4] + text[-(budget // 4) :] if budget >= 4 else text[:budget]
        if "text" not in message.limits:
            message.limits.append("text")
    if not text.isascii():
        message.undecodable += text.count("\ufffd")
    return text


def _untransferred(octets: bytes, encoding: bytes) -> bytes:
    if encoding == b"quoted-printable":
        return binascii.a2b_qp(octets)
    if encoding == b"base64":
        run = _NOT_BASE64.sub(b"", octets)
        run = run[: len(run) - (len(run) % 4 == 1)]
        return binascii.a2b_base64(run + b"=" * (-len(run) % 4))
    return octets
