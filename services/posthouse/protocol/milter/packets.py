"""Packets of the milter protocol: four octets of length, one of command, data. And the replies that we send.

Nothing is unpacked beyond MAX_PACKET; a length that is none ends the connection (MilterError), since what follows
cannot be told apart any more.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

MAX_PACKET: Final = 1024 * 1024
"""Octets of one packet. Body chunks are 64 KiB; a header field comes as one packet, and Postfix takes 100 KiB of it."""
MAX_REPLY_TEXT: Final = 400
_LENGTH = struct.Struct(">I")
_INDEX = struct.Struct(">I")
_BREAKS = re.compile(rb"[\x00\r\n]+")

CONTINUE: Final = b"\x00\x00\x00\x01c"
ACCEPT: Final = b"\x00\x00\x00\x01a"
SKIP: Final = b"\x00\x00\x00\x01s"
PROGRESS: Final = b"\x00\x00\x00\x01p"


class MilterError(Exception):
    """The peer does not speak the protocol: the connection is closed, and the MTA does as its default action says."""


class PacketReader:
    """Takes octets as they come and gives packets."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, octets: bytes) -> Iterator[tuple[bytes, bytes]]:
        """(command, data) of each packet that is whole. MilterError."""
        buffer = self._buffer
        buffer += octets
        at = 0
        try:
            while len(buffer) - at >= 4:
                (length,) = _LENGTH.unpack_from(buffer, at)
                if not 1 <= length <= MAX_PACKET:
                    raise MilterError(f"a packet of {length} octets")
                if len(buffer) - at < 4 + length:
                    break
                start = at + 4
                at = start + length
                yield bytes(buffer[start : start + 1]), bytes(buffer[start + 1 : at])
        finally:
            del buffer[:at]


def packet(command: bytes, data: bytes = b"") -> bytes:
    return _LENGTH.pack(1 + len(data)) + command + data


def insert_header(index: int, name: str, value: bytes) -> bytes:
    """SMFIR_INSHEADER: before the field at `index`, 0 = on top. `value` as it stands behind the colon, folded by LF."""
    return packet(b"i", _INDEX.pack(index) + name.encode("ascii") + b"\0" + value.replace(b"\0", b"") + b"\0")


def delete_header(name: bytes, occurrence: int) -> bytes:
    """SMFIR_CHGHEADER with an empty value. `occurrence` among the fields of that name, from 1; delete the last first,
    so that no number changes meanwhile."""
    return packet(b"m", _INDEX.pack(occurrence) + name + b"\0\0")


def quarantine(reason: str) -> bytes:
    """SMFIR_QUARANTINE: taken, and kept by the MTA until somebody looks (Postfix: its hold queue)."""
    return packet(b"q", _text(reason) + b"\0")


def reply_code(code: int, enhanced: str, text: str) -> bytes:
    """SMFIR_REPLYCODE: the whole reply, for example 550 5.7.1. A % is doubled, as the protocol asks."""
    return packet(b"y", f"{code} {enhanced} ".encode("ascii") + _text(text).replace(b"%", b"%%") + b"\0")


def _text(text: str) -> bytes:
    """One line of US-ASCII."""
    return _BREAKS.sub(b" ", text[:MAX_REPLY_TEXT].encode("ascii", "replace"))
