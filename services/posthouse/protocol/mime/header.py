"""Header fields of a message or part: found by one compiled regex, unfolded only when asked for.

A field is a name of printable ASCII without colon, optional white space, a colon, and a value with its continuation
lines (RFC 5322 §2.2; white space before the colon is the obsolete form of §4.5.8). Lines that are no field are passed
over. Lines may end in CRLF or LF. Values are octets: nothing is decoded here (words.py does).
"""

import re
from collections.abc import Iterable, Iterator

MAX_HEADER = 262_144
"""Octets of one header block that are read for fields; a longer block keeps its range, its tail is just not read.
Twice and a half what Postfix takes by default (header_size_limit), so that a To of thousands still fits."""

# Group 1: the field as it stands without its last LF; 2: the name; 3: the value with folds.
_FIELDS = re.compile(rb"\n(([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*))")
_NAMES = re.compile(rb"\n([!-9;-~]+)[ \t]*:")
# A line with its continuation lines, whatever it is: for HEADER.FIELDS.NOT, which keeps what is no field too.
_LINES = re.compile(rb"[^\n]+\n?(?:[ \t][^\n]*\n?)*")


def header_end(octets: bytes, start: int, end: int) -> int:
    """Offset behind the blank line that ends the header which begins at `start`; `end` when there is no blank line."""
    if start < end and octets[start] in b"\r\n":
        if octets[start] == 10:
            return start + 1
        if octets.startswith(b"\r\n", start, end):
            return start + 2
    crlf = octets.find(b"\n\r\n", start, end)
    # The second search ends where the first one hit, so that a CRLF message is not read twice.
    lf = octets.find(b"\n\n", start, crlf + 1 if crlf >= 0 else end)
    if lf >= 0:
        return lf + 2
    return crlf + 3 if crlf >= 0 else end


def unfold(value: bytes) -> bytes:
    """The value without line breaks and without white space around it (RFC 5322 §2.2.3: only CRLF is taken away)."""
    if b"\n" in value:
        value = value.replace(b"\r\n", b"").replace(b"\n", b"")
    return value.strip()


class Headers:
    """The fields of one header block, by name; names are matched without regard to case.

    `block` is the header from its first octet, with or without the blank line; only its first MAX_HEADER octets are
    read.
    """

    __slots__ = ("_by_name", "_cut", "_fields")

    def __init__(self, block: bytes) -> None:
        block = b"\n" + block[:MAX_HEADER]
        self._fields: list[tuple[bytes, bytes, bytes]] = _FIELDS.findall(block)
        # Kept only where the octets end with the header, in the middle of a line.
        self._cut = b"" if block.endswith(b"\n") else block
        by_name: dict[bytes, list[bytes]] = {}
        for _, name, value in self._fields:
            by_name.setdefault(name.lower(), []).append(value)
        self._by_name = by_name

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """(name as written, field as it stands with its line end), in order; a line end that is missing is added."""
        last = len(self._fields) - 1
        for place, (field, name, _) in enumerate(self._fields):
            ending = b"\r\n" if place == last and self._cut and self._cut.endswith(b"\n" + field) else b"\n"
            yield name, field + ending

    def first(self, name: bytes) -> bytes | None:
        """The unfolded value of the first field of that (lower-case) name; None when there is none."""
        values = self._by_name.get(name)
        return None if values is None else unfold(values[0])

    def all(self, name: bytes) -> list[bytes]:
        """The unfolded values of all fields of that (lower-case) name, in order."""
        return list(map(unfold, self._by_name.get(name, ())))


def select_fields(block: bytes, names: Iterable[bytes], negate: bool = False) -> bytes:
    """The fields of these (lower-case) names as they stand, in order, without a blank line; with `negate` all others.

    With `negate` lines that are no field stay too: HEADER.FIELDS.NOT is the whole header less what is named.
    """
    wanted = names if isinstance(names, frozenset) else frozenset(names)
    kept: list[bytes] = []
    for line in _LINES.findall(block):
        if line in (b"\r\n", b"\r"):
            continue
        name, colon, _ = line.partition(b":")
        if (bool(colon) and name.rstrip(b" \t").lower() in wanted) is not negate:
            kept.append(line if line.endswith(b"\n") else line + b"\r\n")
    return b"".join(kept)


def holds_any(block: bytes, names: frozenset[bytes]) -> bool:
    """Whether a block of whole lines has a field of one of these (lower-case) names: one pass, for short blocks."""
    return not names.isdisjoint(_NAMES.findall(b"\n" + block.lower()))
