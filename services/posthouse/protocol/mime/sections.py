"""Sections of a message as ranges of octets: BODY[], HEADER, TEXT, MIME, part numbers, HEADER.FIELDS (RFC 3501 §6.4.5).

A message as the account sees it is its *prefix* (header lines put on top at delivery) and then the blob; offsets of a
tree are the blob's. A section is contiguous in the two together, so an answer is an Extent: some octets of the
prefix, then a range of the blob to be read. Only HEADER.FIELDS is cut out of what was read. A section that does not
exist is None; the caller answers NIL or an empty string.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from posthouse.protocol.mime import cached_fields
from posthouse.protocol.mime.header import select_fields

MAX_SECTION_DEPTH = 64
"""Numbers in a section: above what a tree can have (scan.MAX_DEPTH), so that a longer one is just not there."""

_SECTION = re.compile(
    rb"(?P<path>[1-9][0-9]{0,9}(?:\.[1-9][0-9]{0,9})*+)?"
    rb"(?P<dot>\.)?(?P<text>HEADER\.FIELDS\.NOT|HEADER\.FIELDS|HEADER|TEXT|MIME)?(?: \((?P<names>[^()]+)\))?",
    re.IGNORECASE,
)
_NAME = re.compile(rb'"((?:[^"\\]|\\.)*+)"|([^\s"\\]+)')


class Node(Protocol):
    """What a section needs of a part: `scan.Part` and the row's `outline.Outline` both are that."""

    @property
    def start(self) -> int: ...
    @property
    def body(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def children(self) -> "Sequence[Node]": ...
    @property
    def message(self) -> "Node | None": ...


class Text(StrEnum):
    """What of a part is meant; WHOLE is no word of the protocol: the part itself."""

    WHOLE = ""
    HEADER = "HEADER"
    TEXT = "TEXT"
    MIME = "MIME"
    FIELDS = "HEADER.FIELDS"
    FIELDS_NOT = "HEADER.FIELDS.NOT"


@dataclass(frozen=True, slots=True)
class Section:
    """A section as asked for, made once per command and used for all its messages."""

    path: tuple[int, ...] = ()
    text: Text = Text.WHOLE
    fields: tuple[bytes, ...] = ()
    """Names as asked, for the response; compared without regard to case."""
    wanted: frozenset[bytes] = field(init=False, compare=False, repr=False, default=frozenset())
    """The names in lower case."""
    mask: int | None = field(init=False, compare=False, repr=False, default=None)
    """The names as bits of cached_fields, when a row can answer them."""

    def __post_init__(self) -> None:
        if self.fields:
            wanted = frozenset(name.lower() for name in self.fields)
            object.__setattr__(self, "wanted", wanted)
            if self.text is Text.FIELDS and not self.path:
                object.__setattr__(self, "mask", cached_fields.mask(wanted))

    @classmethod
    def parse(cls, spec: bytes) -> "Section | None":
        """What stands between the brackets of BODY[…]; None when it is no section-spec (RFC 9051 §9)."""
        found = _SECTION.fullmatch(spec)
        if found is None:
            return None
        path, dot, word, names = found["path"], found["dot"], found["text"], found["names"]
        numbers = tuple(map(int, path.split(b"."))) if path else ()
        text = Text(word.decode("ascii").upper()) if word else Text.WHOLE
        fields = tuple(_name(pair) for pair in _NAME.findall(names)) if names else ()
        wants_fields = text in (Text.FIELDS, Text.FIELDS_NOT)
        if bool(dot) is not bool(path and word) or wants_fields is not bool(fields):
            return None
        if (text is Text.MIME and not path) or len(numbers) > MAX_SECTION_DEPTH:
            return None
        return cls(numbers, text, fields)

    def label(self) -> bytes:
        """The section as the response repeats it, without brackets."""
        words = [*map(str, self.path)]
        if self.text is not Text.WHOLE:
            words.append(self.text.value)
        label = ".".join(words).encode("ascii")
        return b"%b (%b)" % (label, b" ".join(map(_astring, self.fields))) if self.fields else label


WHOLE = Section()
RFC822 = WHOLE
RFC822_HEADER = Section(text=Text.HEADER)
RFC822_TEXT = Section(text=Text.TEXT)


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a section's octets are: `prefix`, then blob[start:end]; `assemble` makes the answer of what was read."""

    prefix: bytes
    start: int
    end: int
    select: Section | None = None
    """For HEADER.FIELDS: what to keep of the header that the extent is."""
    partial: tuple[int, int] | None = None
    """Offset and length still to be cut, after `select`; already applied where there is no `select`."""

    @property
    def size(self) -> int:
        """Octets to be read and joined; the length of the answer unless `select` is set."""
        return len(self.prefix) + self.end - self.start

    def assemble(self, chunk: bytes) -> bytes:
        """The answer, from the octets blob[start:end]."""
        octets = self.prefix + chunk if self.prefix else chunk
        if self.select is None:
            return octets
        kept = select_fields(octets, self.select.wanted, self.select.text is Text.FIELDS_NOT) + b"\r\n"
        if self.partial is None:
            return kept
        offset, length = self.partial
        return kept[offset : offset + length]


def resolve(
    root: Node, section: Section, *, prefix: bytes = b"", partial: tuple[int, int] | None = None
) -> Extent | None:
    """Where the section's octets are; `partial` is (offset, length) of `<offset.length>`.

    `prefix` counts in what begins with the message's own header: BODY[], HEADER and its fields, and MIME of a message
    that is one part.
    """
    text = section.text
    message = root
    if section.path:
        part = _part(root, section.path)
        if part is None:
            return None
        if text is Text.MIME:
            return _cut(prefix if part is root else b"", part.start, part.body, partial)
        if text is Text.WHOLE:
            return _cut(b"", part.body, part.end, partial)
        # RFC 3501 §6.4.5: HEADER and TEXT with a part number are those of the message nested there.
        if part.message is None:
            return None
        message, prefix = part.message, b""
    if text is Text.WHOLE:
        return _cut(prefix, message.start, message.end, partial)
    if text is Text.TEXT:
        return _cut(b"", message.body, message.end, partial)
    if text is Text.HEADER:
        return _cut(prefix, message.start, message.body, partial)
    return Extent(prefix, message.start, message.body, section, partial)


def _part(root: Node, path: tuple[int, ...]) -> Node | None:
    """The part of that number: of a multipart its children, of a nested message the parts of that message, and part 1
    of
    a message that is no multipart is its body."""
    node, inside = root, True  # inside: `node` is a message, whose parts the next number counts
    for number in path:
        if not inside and node.message is not None:
            node, inside = node.message, True
        if node.children:
            if number > len(node.children):
                return None
            node = node.children[number - 1]
        elif not inside or number != 1:
            return None
        inside = False
    return node


def _cut(prefix: bytes, start: int, end: int, partial: tuple[int, int] | None) -> Extent:
    if partial is None:
        return Extent(prefix, start, end)
    offset, length = partial
    taken = prefix[offset : offset + length]
    skipped = max(0, offset - len(prefix))
    start = min(end, start + skipped)
    return Extent(taken, start, min(end, start + length - len(taken)))


def _name(pair: tuple[bytes, bytes]) -> bytes:
    quoted, atom = pair
    return atom or re.sub(rb"\\(.)", rb"\1", quoted)


def _astring(name: bytes) -> bytes:
    return (
        name
        if re.fullmatch(rb"[!#$&'+,\-./0-9:;<=>?@A-Z\[\]^_`a-z|}~]+", name)
        else b'"%b"' % re.sub(rb'(["\\])', rb"\\\1", name)
    )
