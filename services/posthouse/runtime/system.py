"""The system's clock and the system's randomness behind ports.Clock and ports.Ids."""

from __future__ import annotations

import asyncio
import os
import time
import uuid

from posthouse.model.ids import EmailId, MailboxId, OpId, QueueId, queue_id_from_octets

_GREGORIAN_TO_UNIX = 0x01B21DD213814000
"""100 ns intervals between 1582-10-15 and 1970-01-01 (RFC 9562 §5.1)."""


class SystemClock:
    """ports.Clock on the machine's clocks."""

    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SystemIds:
    """ports.Ids from os.urandom. One object per process: it keeps email ids ascending."""

    def __init__(self) -> None:
        self._last_ticks = 0
        # A random node with the multicast bit set (RFC 9562 §6.10), so that no two processes share (node, clock_seq).
        self._node = int.from_bytes(os.urandom(6), "big") | 0x0100_0000_0000
        self._clock_seq = int.from_bytes(os.urandom(2), "big") & 0x3FFF

    def queue_id(self) -> QueueId:
        """UUIDv7 (RFC 9562 §5.7) in the short text form."""
        milliseconds = time.time_ns() // 1_000_000
        random = int.from_bytes(os.urandom(10), "big")
        value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64
        value |= 0b10 << 62 | (random & 0x3FFF_FFFF_FFFF_FFFF)
        return queue_id_from_octets(value.to_bytes(16, "big"))

    def email_id(self) -> EmailId:
        ticks = time.time_ns() // 100 + _GREGORIAN_TO_UNIX
        if ticks <= self._last_ticks:
            ticks = self._last_ticks + 1
        self._last_ticks = ticks
        fields = (
            ticks & 0xFFFF_FFFF,
            ticks >> 32 & 0xFFFF,
            ticks >> 48 & 0x0FFF | 0x1000,
            self._clock_seq >> 8 | 0x80,
            self._clock_seq & 0xFF,
            self._node,
        )
        return EmailId(uuid.UUID(fields=fields))

    def mailbox_id(self) -> MailboxId:
        return MailboxId(uuid.uuid4())

    def op_id(self) -> OpId:
        return OpId(os.urandom(16))

    def token(self, octets: int) -> bytes:
        return os.urandom(octets)
