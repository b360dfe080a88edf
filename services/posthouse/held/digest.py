"""What an account is told, once a day, about mail that was quarantined for it. Pure: from held copies to a message.

A digest is named by its account and the end of its day, so that writing it twice is writing it once: its queue id is
derived from them. A day ends at DIGEST_HOUR. Subjects are foreign text: they come harmless and short, and no link in
them can be followed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime
from typing import Final

from posthouse.held.rendering import field
from posthouse.model.ids import AccountId, QueueId, queue_id_from_octets

DAY_US: Final = 86_400_000_000
DIGEST_HOUR: Final = 6
"""UTC. The end of a digest's day."""
MAX_OCTETS: Final = 15_000
"""Of a digest: it rides inline."""
MAX_SUBJECT: Final = 100
MAX_FROM: Final = 80


@dataclass(frozen=True, slots=True)
class DigestLine:
    """One quarantined message."""

    hold: str
    """The beginning of its hold id."""
    sender: str
    subject: str
    held_us: int
    score: float


def day_end(now_us: int) -> int:
    """The end of the last day that is over."""
    offset = DIGEST_HOUR * 3_600_000_000
    return (now_us - offset) // DAY_US * DAY_US + offset


def digest_queue_id(account: AccountId, end_us: int) -> QueueId:
    """A UUIDv7 of that moment, whose random part is the account's."""
    digest = hashlib.sha256(b"digest" + account.bytes + end_us.to_bytes(8, "big")).digest()
    octets = bytearray((end_us // 1000).to_bytes(6, "big") + digest[:10])
    octets[6] = octets[6] & 0x0F | 0x70
    octets[8] = octets[8] & 0x3F | 0x80
    return queue_id_from_octets(bytes(octets))


def digest_line(hold: str, head: bytes, held_us: int, score: float) -> DigestLine:
    """`head`: the header of the message, at least the beginning."""
    sender, subject = field(head, b"from", MAX_FROM), field(head, b"subject", MAX_SUBJECT)
    return DigestLine(hold, _no_link(sender), _no_link(subject), held_us, score)


def _no_link(text: str) -> str:
    return text.replace("://", ":// ").replace("www.", "www ")


def compose(address: str, domain: str, queue_id: QueueId, end_us: int, lines: Sequence[DigestLine]) -> bytes:
    """The message, oldest line first; at most MAX_OCTETS and the header."""
    body = [
        f"Mail to {address} was held back because it looks unwanted. It was not delivered,",
        "and it will be discarded if nobody asks for it.",
        "",
    ]
    octets, told = 0, 0
    for line in sorted(lines, key=lambda each: each.held_us):
        entry = [
            f"{line.hold}  {_moment(line.held_us)}  score {line.score:.1f}",
            f"    From:    {line.sender or '(none)'}",
            f"    Subject: {line.subject or '(none)'}",
            "",
        ]
        octets += sum(len(each.encode("utf-8", "replace")) + 2 for each in entry)
        if octets > MAX_OCTETS - 1_500:
            break
        body += entry
        told += 1
    if told < len(lines):
        body += [f"... and {len(lines) - told} more.", ""]
    body += [
        f"If you want one of them, ask postmaster@{domain} to release it and give the number in",
        "front of it. Do not open mail that you did not expect.",
    ]
    subject = f"{len(lines)} message{'s' if len(lines) > 1 else ''} held back for you"
    header = (
        f"From: Mail quarantine <postmaster@{domain}>\r\n"
        f"To: <{address}>\r\n"
        f"Subject: {Header(subject, 'us-ascii').encode()}\r\n"
        f"Date: {format_datetime(datetime.fromtimestamp(end_us / 1e6, UTC))}\r\n"
        f"Message-ID: <{queue_id}@{domain}>\r\n"
        "Auto-Submitted: auto-generated\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n"
        "\r\n"
    )
    return (header + "\r\n".join(body) + "\r\n").encode("utf-8", "replace")


def _moment(us: int) -> str:
    return datetime.fromtimestamp(us / 1e6, UTC).strftime("%Y-%m-%d %H:%M UTC")
