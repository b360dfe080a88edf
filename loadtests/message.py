"""Messages to send: of an exact size, found again by their Message-ID, with bodies that do not compress to nothing.

The Message-ID is <RUN.NUMBER@load.example.org>. Lines end in CRLF, never begin with a dot (so nothing needs stuffing)
and have at most 78 octets (RFC 5322 §2.1.1).
"""

import random
import re

_DATE = b"Thu, 01 Jan 2026 12:00:00 +0000"
_TEXT = (
    "the mail was sent by road and each house kept fresh horses for riders who came at night with letters from towns "
    "along river coast market harbour bridge council minutes invoice agenda draft figures answer thursday"
)
_WORDS = _TEXT.split(" ")
_VARIANTS = 32
SENDER = "sender@load.example.org"


class MessageMaker:
    """Makes message `number` of one run: `size` octets with headers, without the SMTP end mark."""

    def __init__(self, run: str, size: int, seed: int = 1) -> None:
        if not re.fullmatch(r"[a-z0-9]{4,32}", run):
            raise ValueError("a run is named by 4 to 32 lower-case letters and digits")
        self.run = run
        self._size = size
        shuffled = random.Random(seed)
        self._bodies = [_text(shuffled, size) for _ in range(_VARIANTS)]
        shortest = len(self._headers(10**9, "x" * 64, "x" * 64))
        if size < shortest:
            raise ValueError(f"a message needs at least {shortest} octets")

    def make(self, number: int, rcpt: str, sender: str = SENDER) -> bytes:
        """`sender` stands in From, which a submission server holds against the login."""
        head = self._headers(number, rcpt, sender)
        cut = self._bodies[number % _VARIANTS][: self._size - len(head) - 2]
        if cut.endswith(b"\r"):  # cut between CR and LF: no bare CR may be left
            cut = cut[:-1] + b"-"
        return head + cut + b"\r\n"

    def pattern(self) -> re.Pattern[bytes]:
        """Finds the numbers of this run in what a FETCH of Message-ID fields answered."""
        return re.compile(rb"<%s\.([0-9]+)@load\.example\.org>" % self.run.encode())

    def _headers(self, number: int, rcpt: str, sender: str) -> bytes:
        return (
            b"From: Load Sender <%s>\r\nTo: <%s>\r\nSubject: load %s %d\r\n"
            b"Date: %s\r\nMessage-ID: <%s.%d@load.example.org>\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
            % (sender.encode(), rcpt.encode(), self.run.encode(), number, _DATE, self.run.encode(), number)
        )


def _text(shuffled: random.Random, size: int) -> bytes:
    """Lines of words; a cut anywhere leaves neither a bare CR or LF nor a line that begins with a dot."""
    lines: list[str] = []
    length = 0
    while length < size:
        line = " ".join(shuffled.choice(_WORDS) for _ in range(10))[:72]
        lines.append(line)
        length += len(line) + 2
    return "\r\n".join(lines).encode()
