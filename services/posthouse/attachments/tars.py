"""Tar files, walked as they are read: POSIX ustar, its extended headers, GNU's long names, and what came before them.

Written for this and not tarfile, which reads sparse maps and extended headers without a bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from posthouse.attachments.limits import Budget
from posthouse.attachments.packed import Damaged

BLOCK: Final = 512
_LONG_NAME: Final = 4096
"""Octets of a long name or an extended header that are read."""


class Stream(Protocol):
    def read(self, most: int) -> bytes: ...

    def skip(self, octets: int) -> None: ...


class Octets:
    """Octets that lie in memory, as a stream."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    def read(self, most: int) -> bytes:
        octets = bytes(self._data[self._at : self._at + most])
        self._at += len(octets)
        return octets

    def skip(self, octets: int) -> None:
        self._at += octets


@dataclass(slots=True)
class Member:
    name: str
    size: int
    _stream: Stream
    read: int = 0

    def content(self, most: int) -> bytes:
        """The next octets of the file; to be asked before the walk goes on."""
        octets = self._stream.read(min(most, self.size - self.read))
        self.read += len(octets)
        return octets


def members(stream: Stream, budget: Budget, first: bytes = b"") -> Iterator[Member]:
    """Regular files, in order. `first`: what was read of the stream already, at most a block. Damaged, LimitReached."""
    long_name = ""
    header = first + stream.read(BLOCK - len(first))
    while header.strip(b"\0"):
        if len(header) < BLOCK:
            raise Damaged("a header that is cut off")
        budget.entry()
        size = _number(header[124:136])
        kind = header[156:157]
        member = Member(long_name or _name(header), size, stream)
        if kind in (b"L", b"x", b"g"):
            text = member.content(_LONG_NAME)
            if kind == b"L":
                long_name = text.rstrip(b"\0").decode("utf-8", "replace")
            elif kind == b"x":
                long_name = _path(text) or long_name
        else:
            long_name = ""
            if kind in (b"0", b"\0", b"7", b"S"):
                yield member
        stream.skip(size - member.read + -size % BLOCK)
        header = stream.read(BLOCK)


def _name(header: bytes) -> str:
    name = header[:100].partition(b"\0")[0]
    prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return (prefix + b"/" + name if prefix else name).decode("utf-8", "replace")


def _number(field: bytes) -> int:
    if field[0] & 0x80:
        number = int.from_bytes(bytes((field[0] & 0x7F,)) + field[1:], "big")
        if number >> 62:
            raise Damaged("a size beyond all measure")
        return number
    text = field.strip(b" \0")
    try:
        return int(text, 8) if text else 0
    except ValueError as error:
        raise Damaged("a size that is no number") from error


def _path(records: bytes) -> str:
    """`path` of an extended header: `length key=value\\n` each."""
    at = records.find(b" path=")
    if at < 0:
        return ""
    return records[at + 6 :].partition(b"\n")[0].decode("utf-8", "replace")
