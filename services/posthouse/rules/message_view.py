"""A message as rules look at it: each selector's values, read when the first rule asks and kept for all others.

Everything is bounded, and nothing raises, whatever the octets. Envelope and content are shared by the rules of all
levels; recipients are not: `of(rcpts)` is the same message as seen by those who own these recipients alone.
"""

from __future__ import annotations

import binascii
import hashlib
import html
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Final, NamedTuple

from posthouse.protocol.mime.addresses import addresses
from posthouse.protocol.mime.header import MAX_HEADER, header_end, unfold
from posthouse.protocol.mime.parameters import parameter, parameter_text
from posthouse.protocol.mime.scan import Part, scan
from posthouse.protocol.mime.words import decode_octets, decode_raw, decode_words
from posthouse.rules.grammar import HEADER

MAX_FIELDS: Final = 500
MAX_FIELD_VALUE: Final = 8_192
"""Octets of a header field."""
MAX_LEAVES: Final = 200
"""Parts that are looked at."""
MAX_BODY: Final = 65_536
"""Characters of text."""
MAX_URLS: Final = 200
MAX_URL: Final = 1_000
MAX_ADDRESSES: Final = 50
MAX_VALUES: Final = 200
"""Recipients, and values of one header field, that are looked at."""

_FIELDS = re.compile(rb"\n([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_GONE = re.compile(r"(?is)<!--.*?(?:-->|\Z)|<(script|style|title)\b[^<>]*>.*?(?:</\1\s*>|\Z)|<[!?][^<>]*>")
_BREAK = re.compile(r"(?i)</?(?:br|p|div|td|th|tr|table|li|ul|ol|h[1-6]|hr|blockquote|pre|center|body|img)\b[^<>]*>")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>?")
_HREF = re.compile(
    r"(?i)\b(?:href|src|action)\s{0,9}=\s{0,9}(?:\"([^\"<>]{0,2000})|'([^'<>]{0,2000})|([^\s\"'<>]{1,2000}))"
)
_URL = re.compile(r"(?i)(?:(?:https?|ftp)://|www\.)[^\s<>\"'()\[\]{}\\]{2,1000}")
_SCHEMES: Final = ("https", "http", "ftp")
_SCHEME = re.compile(r"(?i)(?:https?|ftp):[/\\]{2}|[/\\]{2}|www\.")
_HUGE_REFERENCE = re.compile(r"&#(?:\d{8,}|[xX][0-9a-fA-F]{8,});?")
_AUTHORS: Final = ("from", "sender", "reply-to")


class Attachment(NamedTuple):
    name: str
    """Lower case; empty where it has none."""
    type: str
    part: Part


class Sender(NamedTuple):
    """The envelope without recipients."""

    reverse_path: str = ""
    ip: str = ""
    helo: str = ""
    login: str = ""


class MessageView:
    """`cut`: the octets are only the head of the message."""

    def __init__(self, octets: bytes, sender: Sender, rcpts: Sequence[str] = (), *, cut: bool = False) -> None:
        self._content = _Content(octets, sender, cut)
        self._rcpts = tuple(rcpt.lower() for rcpt in rcpts[:MAX_VALUES])

    def of(self, rcpts: Sequence[str]) -> MessageView:
        """The same message, with these recipients alone; what was read is shared."""
        view = object.__new__(MessageView)
        view._content = self._content
        view._rcpts = tuple(rcpt.lower() for rcpt in rcpts[:MAX_VALUES])
        return view

    def values(self, selector: str) -> tuple[str, ...]:
        if selector == "rcpt":
            return self._rcpts
        if selector == "rcpt-domain":
            return _domains(self._rcpts)
        return self._content.values(selector)


class _Content:
    def __init__(self, octets: bytes, sender: Sender, cut: bool) -> None:
        self._octets = octets
        self._sender = sender
        self._cut = cut
        self._found: dict[str, tuple[str, ...]] = {}

    def values(self, selector: str) -> tuple[str, ...]:
        found = self._found.get(selector)
        if found is None:
            if selector.startswith(HEADER):
                found = tuple([decode_words(value) for value in self._fields.get(selector[len(HEADER) :], ())])
            else:
                found = _READERS[selector](self)
            self._found[selector] = found
        return found

    @cached_property
    def _fields(self) -> dict[str, list[bytes]]:
        end = min(header_end(self._octets, 0, len(self._octets)), MAX_HEADER)
        found: dict[str, list[bytes]] = {}
        for name, value in _FIELDS.findall(b"\n" + self._octets[:end])[:MAX_FIELDS]:
            values = found.setdefault(name.decode("ascii").lower(), [])
            if len(values) < MAX_VALUES:
                values.append(unfold(value[:MAX_FIELD_VALUE]))
        return found

    @cached_property
    def _leaves(self) -> list[Part]:
        leaves: list[Part] = []
        todo = [scan(self._octets)]
        while todo and len(leaves) < MAX_LEAVES:
            part = todo.pop()
            if part.children:
                todo.extend(reversed(part.children))
            elif part.message is not None:
                todo.append(part.message)
            else:
                leaves.append(part)
        return leaves

    @cached_property
    def _texts(self) -> tuple[tuple[str, bool], ...]:
        """(text, whether it is HTML) of each part that people read."""
        found, budget = [], MAX_BODY
        for part in self._leaves:
            if part.maintype != b"text" or part.subtype not in (b"plain", b"html") or budget <= 0:
                continue
            text = _decoded(part, budget)
            budget -= len(text)
            found.append((text, part.subtype == b"html"))
        return tuple(found)

    @cached_property
    def attachments(self) -> tuple[Attachment, ...]:
        found = []
        for part in self._leaves:
            name = parameter_text(part.disposition[1], b"filename") if part.disposition is not None else None
            name = name or parameter_text(part.parameters, b"name") or ""
            disposed = part.disposition is not None and part.disposition[0] == b"attachment"
            if part.maintype == b"text" and not name and not disposed:
                continue
            kind = f"{part.maintype.decode('latin-1')}/{part.subtype.decode('latin-1')}"
            name = decode_words(name.encode("utf-8", "replace")[:400]).lower()
            found.append(Attachment(name, kind[:100], part))
        return tuple(found)

    def reverse_path(self) -> tuple[str, ...]:
        return _given(self._sender.reverse_path.lower())

    def client_ip(self) -> tuple[str, ...]:
        return _given(self._sender.ip)

    def helo(self) -> tuple[str, ...]:
        return _given(self._sender.helo.lower())

    def login(self) -> tuple[str, ...]:
        return _given(self._sender.login.lower())

    def author(self) -> tuple[str, ...]:
        return self._addresses(_AUTHORS[:1])

    def address(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.reverse_path(), *self._addresses(_AUTHORS))))

    def _addresses(self, fields: Sequence[str]) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for field in fields:
            for value in self._fields.get(field, ()):
                for each in addresses(value)[:MAX_ADDRESSES]:
                    if each.addr_spec is not None:
                        found[each.addr_spec.decode("utf-8", "replace").lower()] = None
        return tuple(found)[:MAX_ADDRESSES]

    def body(self) -> tuple[str, ...]:
        seen = [_visible(text) if markup else text for text, markup in self._texts]
        return _given(" ".join(" ".join(seen).split()))

    def url(self) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for text, markup in self._texts:
            if markup:
                for match in _HREF.finditer(text):
                    target = _unescape((match[1] or match[2] or match[3] or "")[:MAX_URL]).strip()
                    if _SCHEME.match(target):
                        found[target] = None
                    if len(found) >= MAX_URLS:
                        break
                text = _visible(text)
            for url in _plain_urls(text):
                found[url] = None
                if len(found) >= MAX_URLS:
                    break
        return tuple(found)[:MAX_URLS]

    def url_host(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(host for host in map(_host, self.values("url")) if host))

    def attachment_name(self) -> tuple[str, ...]:
        return tuple([each.name for each in self.attachments if each.name])

    def attachment_type(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.type for each in self.attachments))

    def attachment_sha256(self) -> tuple[str, ...]:
        # What ends where the octets end may have lost its end: its hash would be that of something else.
        whole = [each.part for each in self.attachments if not (self._cut and each.part.end >= len(self._octets))]
        return tuple([hashlib.sha256(_untransferred(part.content, part.encoding)).hexdigest() for part in whole])


_READERS: Final[dict[str, Callable[[_Content], tuple[str, ...]]]] = {
    "reverse-path": _Content.reverse_path,
    "reverse-path-domain": lambda content: _domains(content.values("reverse-path")),
    "client-ip": _Content.client_ip,
    "helo": _Content.helo,
    "login": _Content.login,
    "author": _Content.author,
    "author-domain": lambda content: _domains(content.values("author")),
    "address": _Content.address,
    "domain": lambda content: _domains(content.values("address")),
    "body": _Content.body,
    "url": _Content.url,
    "url-host": _Content.url_host,
    "attachment-name": _Content.attachment_name,
    "attachment-type": _Content.attachment_type,
    "attachment-sha256": _Content.attachment_sha256,
}


def _given(value: str) -> tuple[str, ...]:
    return (value,) if value else ()


def _domains(found: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address.rpartition("@")[2] for address in found if "@" in address))


def _plain_urls(text: str) -> Iterator[str]:
    """In order. What every URL has is looked for by `find`, which is ten times as fast as any expression."""
    starts = []
    at = text.find("://")
    while at >= 0:
        before = text[max(0, at - 5) : at].lower()
        scheme = next((each for each in _SCHEMES if before.endswith(each)), None)
        if scheme is not None:
            starts.append(at - len(scheme))
        at = text.find("://", at + 3)
    for www in ("www.", "WWW."):
        at = text.find(www)
        while at >= 0:
            if at == 0 or not (text[at - 1].isalnum() or text[at - 1] in "/.-_@"):
                starts.append(at)
            at = text.find(www, at + 4)
    for start in sorted(starts):
        match = _URL.match(text, start)
        if match is not None:
            yield match[0].rstrip(".,;:!?")


def _host(url: str) -> str:
    scheme = _SCHEME.match(url)
    start = 0 if scheme is None or scheme[0].lower() == "www." else scheme.end()
    authority = re.split(r"[/\\?#]", url[start:], maxsplit=1)[0].rpartition("@")[2]
    if authority.startswith("["):
        return authority.partition("]")[0][:64].lower() + "]"
    return authority.partition(":")[0].rstrip(".").lower()[:253]


def _visible(markup: str) -> str:
    return _unescape(_TAG.sub("", _BREAK.sub(" ", _GONE.sub("", markup))))


def _unescape(text: str) -> str:
    # Python refuses numbers of thousands of digits; no character has one of eight.
    return html.unescape(_HUGE_REFERENCE.sub("", text)) if "&" in text else text


def _decoded(part: Part, budget: int) -> str:
    octets = _untransferred(part.content[: budget * 3], part.encoding)
    charset = (parameter(part.parameters, b"charset") or b"").decode("latin-1").strip("'\" ").lower()[:40]
    plain = charset in ("", "us-ascii", "ascii")
    return (decode_raw(octets) if plain else decode_octets(octets, charset))[:budget]


def _untransferred(octets: bytes, encoding: bytes) -> bytes:
    if encoding == b"quoted-printable":
        return binascii.a2b_qp(octets)
    if encoding == b"base64":
        run = _NOT_BASE64.sub(b"", octets)
        run = run[: len(run) - (len(run) % 4 == 1)]
        return binascii.a2b_base64(run + b"=" * (-len(run) % 4))
    return octets
