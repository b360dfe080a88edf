"""The offset scanner: the tree of a message's parts as offsets into its octets, found once, with `bytes.find`.

`scan` never raises, whatever the octets: what is no MIME is one leaf, what is cut off ends where its parent ends,
what is too deep or too much becomes an opaque leaf (application/octet-stream). Boundaries are searched from the
outside in, so that an outer boundary always ends an inner part (RFC 2046 §5.1.2). Lines may end in CRLF or LF.

Invariants: start ≤ body ≤ end for every part; children lie in their parent's body, in order, without overlap; what lies
between children is delimiter lines only. At most MAX_PARTS parts, MAX_DEPTH levels, MAX_HEADERS octets of part headers.
No line is touched by Python code: the cost is a few searches at C speed per part.
"""

import re
from dataclasses import dataclass

from posthouse.protocol.mime.header import MAX_HEADER, header_end, unfold
from posthouse.protocol.mime.parameters import Parameters, disposition, media_type, parameter

MAX_DEPTH = 50
"""Levels of parts; deeper ones are opaque."""
MAX_PARTS = 1_000
"""Parts of one message, nested messages counted; the last MAX_DEPTH of them are kept for opaque tails, one per
level."""
MAX_HEADERS = 524_288
"""Octets of headers of all parts; behind that the rest is opaque. Bounds what BODYSTRUCTURE can grow to."""

# Only what BODYSTRUCTURE needs. Group 1: the name without "content-"; 2: the value with folds.
_CONTENT_FIELDS = re.compile(
    rb"\n(?i:content-(type|transfer-encoding|disposition|id|description|language|location|md5))[ \t]*:"
    rb"([^\n]*(?:\n[ \t][^\n]*)*)"
)
# What may follow `--boundary` on its line (RFC 2046 §5.1.1: transport padding), the closing hyphens first.
_DELIMITER_TAIL = re.compile(rb"(--)?[ \t]*(?:\r?\n|\r?\Z)")
_ENCODING = re.compile(rb"[^\s;()\"]+")

_PLAIN_TEXT = (b"text", b"plain", ((b"charset", b"us-ascii"),))  # RFC 2045 §5.2
_MESSAGE = (b"message", b"rfc822", ())
_OPAQUE = (b"application", b"octet-stream", ())
_IDENTITY = frozenset((b"7bit", b"8bit", b"binary"))


@dataclass(slots=True)
class Part:
    """One part: a leaf, a multipart with children, or a message/rfc822 (or global) with the nested `message`.

    The header is octets[start:body], blank line included; the body octets[body:end], the line break before the next
    delimiter left out.
    """

    octets: bytes
    start: int
    body: int
    end: int
    maintype: bytes
    """Lower case, as are subtype, encoding and parameter names."""
    subtype: bytes
    parameters: Parameters
    encoding: bytes
    content_id: bytes | None
    description: bytes | None
    disposition: tuple[bytes, Parameters] | None
    language: tuple[bytes, ...]
    location: bytes | None
    md5: bytes | None
    lines: int | None
    """Line ends in the body of text and nested messages, for which IMAP asks; None for all others."""
    children: tuple["Part", ...]
    """Of a multipart: at least one, or it would not be one."""
    message: "Part | None"

    @property
    def header(self) -> bytes:
        return self.octets[self.start : self.body]

    @property
    def content(self) -> bytes:
        return self.octets[self.body : self.end]


def scan(octets: bytes | memoryview) -> Part:
    """The tree of the message that the octets are. A memoryview that is not all of a bytes object is copied once."""
    data = _as_bytes(octets)
    return _Scanner(data).part(0, len(data), 1, _PLAIN_TEXT)


def opaque(octets: bytes, start: int, body: int, end: int, encoding: bytes = b"7bit") -> Part:
    """A leaf that claims nothing about its content: for what is past a limit."""
    return Part(
        octets, start, body, end, *_OPAQUE, encoding, None, None, None, (), None, None, None, (), None
    )  # fmt: skip


def _as_bytes(octets: bytes | memoryview) -> bytes:
    if isinstance(octets, bytes):
        return octets
    whole = octets.obj
    if isinstance(whole, bytes) and octets.nbytes == len(whole) and octets.c_contiguous and octets.itemsize == 1:
        return whole
    return octets.tobytes()


class _Scanner:
    """The octets and what is left of the limits."""

    __slots__ = ("data", "headers", "parts")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.parts = MAX_PARTS - MAX_DEPTH
        self.headers = MAX_HEADERS

    def part(self, start: int, end: int, depth: int, default: tuple[bytes, bytes, Parameters]) -> Part:
        data = self.data
        body = header_end(data, start, end)
        self.parts -= 1
        self.headers -= body - start

        found: dict[bytes, bytes] = {}
        for name, value in _CONTENT_FIELDS.findall(b"\n" + data[start : min(body, start + MAX_HEADER)]):
            found.setdefault(name.lower(), unfold(value))
        get = found.get

        value = get(b"type")
        maintype, subtype, parameters = default if value is None else media_type(value) or _PLAIN_TEXT
        value = get(b"transfer-encoding")
        encoding = b"7bit" if value is None else _encoding(value)

        lines: int | None = None
        children: tuple[Part, ...] = ()
        message: Part | None = None
        if maintype == b"text":
            lines = data.count(b"\n", body, end)
        elif maintype == b"multipart":
            if depth >= MAX_DEPTH:
                maintype, subtype, parameters = _OPAQUE
            else:
                children = self.children(body, end, depth, subtype, parameters)
                if not children:
                    # A multipart has at least one part (RFC 3501 §9, body-type-mpart). Without a delimiter there is
                    # only text to show.
                    maintype, subtype, parameters = _PLAIN_TEXT
                    lines = data.count(b"\n", body, end)
        elif maintype == b"message" and subtype in (b"rfc822", b"global"):
            # RFC 2046 §5.2.1 forbids an encoding here and RFC 6532 §3.7 allows one for message/global: what is
            # encoded cannot be looked into by offsets, and is offered for download as it is.
            if depth >= MAX_DEPTH or encoding not in _IDENTITY:
                maintype, subtype, _ = _OPAQUE  # the parameters stay: a name helps whoever downloads it
            else:
                lines = data.count(b"\n", body, end)
                message = self.part(body, end, depth + 1, _PLAIN_TEXT)

        value = get(b"disposition")
        language = get(b"language")
        return Part(
            data,
            start,
            body,
            end,
            maintype,
            subtype,
            parameters,
            encoding,
            get(b"id"),
            get(b"description"),
            None if value is None else disposition(value),
            () if language is None else tuple(tag for tag in map(bytes.strip, language.split(b",")) if tag),
            get(b"location"),
            get(b"md5"),
            lines,
            children,
            message,
        )

    def children(self, body: int, end: int, depth: int, subtype: bytes, parameters: Parameters) -> tuple[Part, ...]:
        """The parts between the delimiter lines of body..end; none when there is no boundary or no delimiter."""
        boundary = (parameter(parameters, b"boundary") or b"").rstrip(b" \t")  # RFC 2046 §5.1.1: never ends in space
        if not boundary or body >= end:
            return ()
        data = self.data
        find = data.find
        tail = _DELIMITER_TAIL.match
        needle = b"\n--" + boundary
        default = _MESSAGE if subtype == b"digest" else _PLAIN_TEXT  # RFC 2046 §5.1.5
        children: list[Part] = []
        start = -1  # of the part that is open; -1 before the first delimiter
        # The body follows a line end, so that a delimiter right at its start is found by the LF before it.
        at = find(needle, body - 1, end)
        while at >= 0:
            line = tail(data, at + len(needle), end)
            if line is None:  # a longer boundary that begins like this one, or text
                at = find(needle, at + 1, end)
                continue
            # A delimiter right behind a delimiter line closes nothing: the line break between belongs to the first.
            if start >= 0 and at >= start:
                stop = at - 1 if at > start and data[at - 1] == 13 else at
                children.append(self.part(start, stop, depth + 1, default))
            if line[1]:
                return tuple(children)
            start = line.end()
            if self.parts <= 0 or self.headers <= 0:
                break
            at = find(needle, start - 1, end)
        # Real mail is cut off and sloppy: without the closing delimiter the last part ends with its parent.
        if 0 <= start < end:
            if self.parts <= 0 or self.headers <= 0:
                children.append(opaque(data, start, start, end))
            else:
                children.append(self.part(start, end, depth + 1, default))
        return tuple(children)


def _encoding(value: bytes) -> bytes:
    found = _ENCODING.search(value)
    return b"7bit" if found is None else found[0].lower()
