"""SMFIC_OPTNEG: what the MTA offers, what we take of it, and what we cannot do without."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from posthouse.protocol.milter.packets import MilterError, packet

VERSION: Final = 6
LEAST_VERSION: Final = 2
_OPTIONS = struct.Struct(">III")

ADD_HEADERS: Final = 0x01
CHANGE_HEADERS: Final = 0x10
QUARANTINE: Final = 0x20
_NEEDED: Final = ADD_HEADERS | CHANGE_HEADERS

NO_UNKNOWN: Final = 0x100
SKIP: Final = 0x400
HEADERS_WITH_SPACE: Final = 0x10_0000
"""SMFIP_HDR_LEADSPC: values of fields come, and go, with the blanks behind the colon. Without, a signature that counts
these octets (DKIM's simple form) cannot be verified."""
# Commands that then need no reply: fields, and connection, HELO, MAIL, RCPT, DATA, the unknown, the end of the header.
NO_REPLY: Final = {
    b"L": 0x80,
    b"C": 0x1000,
    b"H": 0x2000,
    b"M": 0x4000,
    b"R": 0x8000,
    b"T": 0x1_0000,
    b"U": 0x2_0000,
    b"N": 0x4_0000,
}
_WANTED: Final = NO_UNKNOWN | SKIP | HEADERS_WITH_SPACE | sum(NO_REPLY.values())


@dataclass(frozen=True, slots=True)
class Options:
    """What was agreed."""

    version: int
    actions: int
    protocol: int

    @property
    def reply(self) -> bytes:
        return packet(b"O", _OPTIONS.pack(self.version, self.actions, self.protocol))

    def silent(self, command: bytes) -> bool:
        """Whether that command gets no reply."""
        return bool(self.protocol & NO_REPLY.get(command, 0))

    @property
    def can_quarantine(self) -> bool:
        return bool(self.actions & QUARANTINE)

    @property
    def can_skip(self) -> bool:
        return bool(self.protocol & SKIP)

    @property
    def with_space(self) -> bool:
        return bool(self.protocol & HEADERS_WITH_SPACE)


def negotiate(data: bytes) -> Options:
    """From the MTA's offer. MilterError where it is none, or lets us not write our header fields."""
    if len(data) < _OPTIONS.size:
        raise MilterError("options that are too short")
    version, actions, protocol = _OPTIONS.unpack_from(data)
    if version < LEAST_VERSION:
        raise MilterError(f"protocol version {version}")
    if actions & _NEEDED != _NEEDED:
        raise MilterError("the MTA lets no header fields be changed")
    return Options(min(version, VERSION), actions & (_NEEDED | QUARANTINE), protocol & _WANTED)
