"""Compressed octets, read as a stream: gzip, bzip2, xz, and the deflated entries of zip files.

Nothing is unpacked further than it is read; each step is charged to the budget before it is made.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Final

from posthouse.attachments.limits import MIB, Budget
from posthouse.attachments.sniff import Kind

STEP: Final = 65_536
_FEED: Final = 2048
"""Octets given at a time: what a decompressor keeps to itself is no more than that, so that ratios can be told."""
SAMPLE: Final = 4 * MIB
XZ_MEMORY: Final = 64 * MIB
"""For the dictionary of a stream; `xz -9` asks for that much."""
COST: Final = {Kind.GZIP: 1, Kind.ZIP: 1, Kind.BZIP2: 8, Kind.XZ: 4}
"""Time per octet, against deflate."""


class Damaged(Exception):
    """The octets are not what they claim to be, or end early."""


class Unpacked:
    """The octets behind a compressed stream; several streams one after the other are read as one (RFC 1952 §2.2)."""

    def __init__(self, data: bytes | memoryview, kind: Kind, budget: Budget) -> None:
        self._data = memoryview(data)
        self._at = 0
        self._budget = budget
        self._cost = COST[kind]
        self._make = _MAKERS[kind]
        self._several = kind is not Kind.ZIP
        self._object = self._make()
        self._pending = b""
        self._ended = False
        self._out = 0
        self.damaged = False
        """It ended early or in garbage; what came before was read."""

    def read(self, most: int) -> bytes:
        """Up to `most` octets; fewer only at the end. LimitReached."""
        pieces = []
        while most > 0 and not self._ended:
            piece = self._step(min(most, STEP))
            pieces.append(piece)
            most -= len(piece)
        return b"".join(pieces)

    def skip(self, octets: int) -> None:
        while octets > 0 and not self._ended:
            octets -= len(self._step(min(octets, STEP)))

    def sample(self) -> None:
        """Reads on for a while; LimitReached where the rest, packed as tightly, would be more than may be declared."""
        self.skip(SAMPLE - self._out)
        if not self._ended:
            used = self._at - len(self._pending)
            self._budget.declare(self._out * len(self._data) // max(used, 1))

    def _step(self, most: int) -> bytes:
        self._budget.unpacked(1)  # empty blocks cost time too
        source = self._pending
        if not source and self._object.needs_input:
            source = bytes(self._data[self._at : self._at + _FEED])
            self._at += len(source)
        try:
            out, self._pending = self._object.step(source, most)
        except Damaged:
            self._ended = self.damaged = True
            return b""
        if not out and not source and not self._object.eof:
            self._ended = self.damaged = True
            return b""
        self._out += len(out)
        self._budget.unpacked(len(out), self._cost)
        if self._object.eof:
            self._next()
        return out

    def _next(self) -> None:
        rest = self._pending + bytes(self._data[self._at : self._at + 16])
        if not self._several or not rest.strip(b"\0"):
            self._ended = True
            return
        self._budget.entry()
        self._object = self._make()


class _Deflate:
    def __init__(self, bits: int) -> None:
        self._object = zlib.decompressobj(bits)

    @property
    def eof(self) -> bool:
        return self._object.eof

    needs_input = True

    def step(self, source: bytes, most: int) -> tuple[bytes, bytes]:
        try:
            out = self._object.decompress(source, most)
        except zlib.error as error:
            raise Damaged(str(error)) from error
        return out, self._object.unused_data if self._object.eof else self._object.unconsumed_tail


class _Keeping:
    """bz2 and lzma keep what they did not use yet."""

    def __init__(self, made: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._object = made

    @property
    def eof(self) -> bool:
        return self._object.eof

    @property
    def needs_input(self) -> bool:
        return self._object.needs_input

    def step(self, source: bytes, most: int) -> tuple[bytes, bytes]:
        try:
            out = self._object.decompress(source, most)
        except (OSError, EOFError, ValueError, lzma.LZMAError, MemoryError) as error:
            raise Damaged(str(error)) from error
        return out, self._object.unused_data if self._object.eof else b""


_MAKERS: Final[dict[Kind, Callable[[], _Deflate | _Keeping]]] = {
    Kind.ZIP: lambda: _Deflate(-15),
    Kind.GZIP: lambda: _Deflate(31),
    Kind.BZIP2: lambda: _Keeping(bz2.BZ2Decompressor()),
    Kind.XZ: lambda: _Keeping(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)),
}
