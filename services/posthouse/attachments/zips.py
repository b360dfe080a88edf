"""Zip files: their entries by the central directory, or, where that is cut off, by the local headers.

Written for this and not zipfile, which makes an object of every entry that a file claims: here entries are counted
first, what is declared is checked against what is there before anything is unpacked, and nothing raises but what this
module names. PKWARE APPNOTE 6.3.10 §4.3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from posthouse.attachments.limits import PREFIX, Budget, LimitReached
from posthouse.attachments.packed import Damaged, Unpacked
from posthouse.attachments.sniff import Kind

_END: Final = b"PK\x05\x06"
_ENTRY: Final = struct.Struct("<4s6H3I5H2I")
_LOCAL: Final = struct.Struct("<4s5H3I2H")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 0x1, 0x800
_WIDE: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    method: int
    encrypted: bool
    packed: int
    """Octets it takes in the archive."""
    size: int
    """Octets it says it unpacks to."""
    at: int
    """Of its local header."""

    @property
    def folder(self) -> bool:
        return self.name.endswith(("/", "\\")) and self.size == 0


@dataclass(frozen=True, slots=True)
class Zip:
    data: bytes
    entries: tuple[Entry, ...]
    damaged: bool
    """No central directory, or not all of it."""

    def content(self, entry: Entry, budget: Budget, most: int = PREFIX) -> bytes | None:
        """The first octets of an entry; None where it is packed by a method that is not read. Damaged, LimitReached."""
        start = _content_at(self.data, entry.at)
        packed = memoryview(self.data)[start : start + entry.packed]
        if entry.method == _STORED:
            budget.unpacked(min(most, len(packed)))
            return bytes(packed[:most])
        if entry.method == _DEFLATED:
            stream = Unpacked(packed, Kind.ZIP, budget)
            octets = stream.read(most)
            if stream.damaged and not octets:
                raise Damaged("an entry that cannot be inflated")
            return octets
        return None


def read_zip(data: bytes, budget: Budget) -> Zip:
    """LimitReached: too many entries, more declared than allowed, or entries that share octets (which is how a few
    kilobytes unpack to petabytes)."""
    entries: list[Entry] = []
    damaged = False
    declared = 0
    packed = 0
    try:
        for entry in _entries(data):
            budget.entry()
            declared += entry.size
            packed += entry.packed
            budget.declare(declared)
            entries.append(entry)
    except Damaged:
        damaged = True
    if packed > len(data):
        if not damaged:
            raise LimitReached("overlap")
        damaged = True
    return Zip(data, tuple(entries), damaged)


def _entries(data: bytes) -> Iterator[Entry]:
    tail = data[-(65_535 + 22) :]
    end = tail.rfind(_END)
    if end < 0 or len(tail) - end < 22:
        yield from _local_entries(data)
        raise Damaged("no central directory")
    size, at = struct.unpack_from("<II", tail, end + 12)
    end += len(data) - len(tail)
    if size == _WIDE or at == _WIDE:
        size, at = _wide_end(data, end)
    # What stands in front (a self-extractor) moves everything; offsets may or may not count it.
    moved = end - size - at if data[at : at + 4] != b"PK\x01\x02" else 0
    at += max(moved, 0)
    if data[at : at + 4] != b"PK\x01\x02" and end > 0:
        yield from _local_entries(data)
        raise Damaged("the central directory is not where it should be")
    while at < end and data[at : at + 4] == b"PK\x01\x02":
        if at + _ENTRY.size > len(data):
            raise Damaged("cut off")
        fields = _ENTRY.unpack_from(data, at)
        flags, method, crushed, full = fields[3], fields[4], fields[8], fields[9]
        name_length, extra_length, comment_length, local = fields[10], fields[11], fields[12], fields[16]
        name_at = at + _ENTRY.size
        extra_at = name_at + name_length
        if _WIDE in (crushed, full, local):
            full, crushed, local = _wide_entry(data[extra_at : extra_at + extra_length], full, crushed, local)
        name = data[name_at : name_at + min(name_length, 1024)]
        yield Entry(_name(name, flags), method, bool(flags & _ENCRYPTED), crushed, full, local + max(moved, 0))
        at = extra_at + extra_length + comment_length


def _wide_end(data: bytes, end: int) -> tuple[int, int]:
    """Size and place of the central directory of a zip64 file (APPNOTE §4.3.14, §4.3.15)."""
    if end < 20 or data[end - 20 : end - 16] != b"PK\x06\x07":
        raise Damaged("no zip64 locator")
    (at,) = struct.unpack_from("<Q", data, end - 12)
    if at + 56 > len(data) or data[at : at + 4] != b"PK\x06\x06":
        raise Damaged("no zip64 end")
    size, start = struct.unpack_from("<QQ", data, at + 40)
    return size, start


def _wide_entry(extra: bytes, full: int, crushed: int, local: int) -> tuple[int, int, int]:
    """The 64-bit values stand in the order full, packed, offset, each only where the short one is full (§4.5.3)."""
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, at)
        if tag == 1:
            values = [int.from_bytes(extra[n : n + 8], "little") for n in range(at + 4, at + 4 + length - 7, 8)]
            row = iter(values)
            return tuple(next(row, 0) if value == _WIDE else value for value in (full, crushed, local))  # type: ignore[return-value]
        at += 4 + length
    return full, crushed, local


def _local_entries(data: bytes) -> Iterator[Entry]:
    """What a file that was cut off still has. Entries whose sizes follow them (bit 3) end the walk."""
    at = 0
    while data[at : at + 4] == b"PK\x03\x04" and at + _LOCAL.size <= len(data):
        _, _, flags, method, _, _, _, crushed, full, name_length, extra_length = _LOCAL.unpack_from(data, at)
        name = data[at + _LOCAL.size : at + _LOCAL.size + min(name_length, 1024)]
        behind = bool(flags & 0x8)
        start = at + _LOCAL.size + name_length + extra_length
        length = len(data) - start if behind or crushed == _WIDE else crushed
        yield Entry(_name(name, flags), method, bool(flags & _ENCRYPTED), max(0, length), 0 if behind else full, at)
        if behind or crushed == _WIDE:
            return
        at = start + crushed


def _content_at(data: bytes, at: int) -> int:
    if at + _LOCAL.size > len(data) or data[at : at + 4] != b"PK\x03\x04":
        raise Damaged("no local header")
    name_length, extra_length = struct.unpack_from("<HH", data, at + 26)
    return at + _LOCAL.size + int(name_length) + int(extra_length)


def _name(octets: bytes, flags: int) -> str:
    if flags & _UTF8 or octets.isascii():
        return octets.decode("utf-8", "replace")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("cp437")
