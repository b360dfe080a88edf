"""The clock and the ids of the real world: adapters of `ports.clock` and `ports.ids`."""

import asyncio
import random
import secrets
import time
import uuid
from typing import Final

from posthouse.model.ids import EmailId, MailboxId, OpId, QueueId, queue_id_from_octets

# RFC 9562 §5.1: 100 ns intervals since 1582-10-15, the Gregorian reform.
_GREGORIAN: Final = 0x01B21DD213814000
_MULTICAST: Final = 1 << 40
_LEAST_TIMER: Final = 0.001


class SystemClock:
    """Adapter of `Clock` on the system's clocks."""

    __slots__ = ()

    def now_us(self) -> int:
        """Microseconds since 1970, UTC."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let other tasks run for that long."""
        until = time.monotonic() + seconds
        await asyncio.sleep(seconds)
        # uvloop counts in whole milliseconds from a time it has rounded down: its timers fire up to one too early.
        while (left := until - time.monotonic()) > 0:  # noqa: ASYNC110  time is the event
            await asyncio.sleep(max(left, _LEAST_TIMER))


class SystemIds:
    """Adapter of `Ids`. Ids need to be unique, not secret, so they come from a Mersenne Twister seeded by the system;
    only `token` is cryptographic. One object per process, not shared through a fork.
    """

    __slots__ = ("_bits", "_clock_sequence", "_last", "_node")

    def __init__(self) -> None:
        self._bits = random.Random(secrets.randbits(256)).getrandbits
        # RFC 9562 §6.10: a random node has the multicast bit set, so that it is nobody's hardware address.
        self._node = self._bits(48) | _MULTICAST
        self._clock_sequence = self._bits(14)
        self._last = 0

    def queue_id(self) -> QueueId:
        """RFC 9562 §5.7 (UUIDv7): milliseconds, 12 bits of the fraction of one, 62 random bits."""
        millis, rest = divmod(time.time_ns(), 1_000_000)
        fraction = (rest << 12) // 1_000_000
        value = (millis & 0xFFFFFFFFFFFF) << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | self._bits(62)
        return queue_id_from_octets(value.to_bytes(16, "big"))

    def email_id(self) -> EmailId:
        """RFC 9562 §5.1 (UUIDv1), ascending in this process also where the clock stands still or is set back."""
        ticks = time.time_ns() // 100 + _GREGORIAN
        self._last = ticks = ticks if ticks > self._last else self._last + 1
        return EmailId(
            uuid.UUID(
                int=(ticks & 0xFFFFFFFF) << 96
                | (ticks >> 32 & 0xFFFF) << 80
                | 0x1 << 76
                | (ticks >> 48 & 0x0FFF) << 64
                | 0b10 << 62
                | self._clock_sequence << 48
                | self._node
            )
        )

    def mailbox_id(self) -> MailboxId:
        """A random UUID (version 4)."""
        return MailboxId(uuid.UUID(int=self._bits(128), version=4))

    def op_id(self) -> OpId:
        """The 16 octets of a random UUID (version 4)."""
        return OpId(uuid.UUID(int=self._bits(128), version=4).bytes)

    def token(self, octets: int) -> bytes:
        """Octets for passwords, keys and nonces."""
        return secrets.token_bytes(octets)
