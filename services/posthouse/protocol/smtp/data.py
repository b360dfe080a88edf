"""The octets after 354, up to the lone dot (RFC 5321 §4.1.1.4, §4.5.2), in pieces as they come from the wire.

Invariants: the result does not depend on how the octets were cut into pieces; only CRLF . CRLF ends the message; what
stands behind it stays in the caller's buffer (pipelined commands). The message is scanned by C functions only: no
Python runs per line. Once the size limit is passed nothing is kept but the few octets that may begin the end.

Bare CR and LF are refused, not mended: a relay that passes on `LF . CR` or the like lets its neighbour see another
message end than we did (SMTP smuggling).
"""

from __future__ import annotations

from typing import Final

from posthouse.protocol.smtp import replies
from posthouse.protocol.smtp.replies import Reply

_END: Final = b"\r\n.\r\n"
_STUFFED: Final = b"\r\n."
_KEPT_TAIL: Final = len(_END) - 1


class DataReader:
    """Feed it the connection's buffer until `receive` says True; then `fault` or `message` is the outcome.

    `max_size`: octets of the message without dot-stuffing. `max_line`: octets of a line without its CRLF.
    """

    __slots__ = (
        "_acc",
        "_counted",
        "_dropped",
        "_loose",
        "_max_line",
        "_max_size",
        "_most",
        "_pos",
        "_stuffed",
        "fault",
    )

    def __init__(self, max_size: int, max_line: int) -> None:
        # A CRLF that nobody sent: the lone dot of an empty message and a stuffed first line need no case of their own.
        self._acc = bytearray(b"\r\n")
        self._pos = 0
        self._counted = 0
        self._loose = False
        self._stuffed = False
        self._dropped = 0
        self._max_size = max_size
        self._max_line = max_line
        # Stuffing adds at most one octet to three; the exact size is known only at the end.
        self._most = max_size * 4 // 3 + 1024
        self.fault: Reply | None = None
        """Why the message is refused; valid after `receive` returned True."""

    @property
    def received(self) -> int:
        """Octets taken so far, with dot-stuffing."""
        return self._dropped + len(self._acc) - 2

    @property
    def held(self) -> int:
        """Octets in memory."""
        return len(self._acc)

    def give_up(self, fault: Reply) -> None:
        """Drops what is held; the rest is read and dropped, and `fault` is the outcome."""
        self.fault = fault
        self._dropped += max(0, len(self._acc) - _KEPT_TAIL)
        del self._acc[:-_KEPT_TAIL]
        self._pos = 0

    @property
    def message(self) -> bytearray:
        """The message with CRLF in front that is not part of it (`[2:]` is the message). Valid without a `fault`."""
        return self._acc

    def receive(self, buffer: bytearray) -> bool:
        """Takes what belongs to the message out of `buffer`; True when the end was seen."""
        acc = self._acc
        acc += buffer
        buffer.clear()
        # One search serves both: a stuffed line and the end begin alike, and most messages have no stuffed line.
        dot = acc.find(_STUFFED, self._pos)
        end = dot if dot < 0 or acc.startswith(_END, dot) else acc.find(_END, dot)
        if dot != end:
            self._stuffed = True
        if end >= 0:
            buffer += memoryview(acc)[end + len(_END) :]
            del acc[end + 2 :]
            self._finish()
            return True
        self._pos = max(0, len(acc) - _KEPT_TAIL)
        if self.fault is not None or len(acc) > self._most:
            self.give_up(self.fault or replies.SIZE_EXCEEDED)
        else:
            # Counted as it comes, so that a large message never holds the event loop for long at its end.
            self._count(len(acc) - acc.endswith(b"\r"))
        return False

    def _count(self, end: int) -> None:
        """Looks for bare CR or LF up to `end`, which never lies between a CR and the octet behind it."""
        self._loose = self._loose or _has_bare(self._acc, self._counted, end)
        self._counted = end

    def _finish(self) -> None:
        acc = self._acc
        if self.fault is not None:
            acc.clear()
            return
        if self._counted < len(acc):
            self._count(len(acc))
        if self._loose:
            self.fault = replies.BARE_CR_OR_LF
        if self._stuffed:
            acc = self._acc = acc.replace(_STUFFED, b"\r\n")
        if len(acc) - 2 > self._max_size:
            self.fault = replies.SIZE_EXCEEDED
        elif self.fault is None and _has_long_line(acc, self._max_line):
            self.fault = replies.LINE_TOO_LONG


def _has_bare(octets: bytearray, start: int, end: int) -> bool:
    lines = octets.count(b"\r\n", start, end)
    return octets.count(b"\n", start, end) != lines or octets.count(b"\r", start, end) != lines


def _has_long_line(octets: bytearray, max_line: int) -> bool:
    start, size = 0, len(octets)
    # Hops from the last line end within reach to the next: as many steps as there are `max_line`s, not lines.
    while size - start > max_line + 2:
        last = octets.rfind(b"\r\n", start, start + max_line + 2)
        if last < 0:
            return True
        start = last + 2
    return False
