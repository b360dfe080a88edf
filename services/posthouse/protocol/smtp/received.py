"""Our trace line (RFC 5321 §4.4): one Received field on top of each message that we accept.

It names the queue_id, so that the stored message, the 250 reply and every log line can be matched. `for` is written
only when the message has one recipient: with several it would tell each of the others (RFC 5321 §7.6).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from posthouse.model.envelope import Peer
from posthouse.model.ids import QueueId

MAX_HOPS: Final = 100
"""Received fields that a message may have when it comes (RFC 5321 §6.3: "at least 100"; real paths have under 15)."""

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ODD = re.compile(r"[^A-Za-z0-9._:\[\]-]")


@lru_cache(maxsize=8)
def date_time(seconds: int) -> str:
    """RFC 5322 §3.3 date-time in UTC of seconds since the epoch. Not by strftime: that follows the locale."""
    t = datetime.fromtimestamp(seconds, UTC)
    return (
        f"{_DAYS[t.weekday()]}, {t.day} {_MONTHS[t.month - 1]} {t.year:04d} {t.hour:02d}:{t.minute:02d}:{t.second:02d} "
        "+0000"
    )


def protocol_name(*, extended: bool, tls: bool, login: bool) -> str:
    """The `with` name (RFC 3848): SMTP, ESMTP, ESMTPS, ESMTPA, ESMTPSA."""
    if not extended:
        return "SMTP"
    return "ESMTP" + ("S" if tls else "") + ("A" if login else "")


def received_line(
    peer: Peer, hostname: str, queue_id: QueueId, now_us: int, *, extended: bool = True, rcpt: str = ""
) -> bytes:
    """The field with its CRLF. `rcpt`: the forward-path when there is exactly one, else empty."""
    helo = _ODD.sub("?", peer.helo) or "unknown"
    address = f"IPv6:{peer.ip}" if ":" in peer.ip else peer.ip
    name = protocol_name(extended=extended, tls=bool(peer.tls), login=bool(peer.login))
    tls = f"\r\n\t({_ODD.sub(' ', peer.tls)})" if peer.tls else ""
    target = f"\r\n\tfor <{rcpt}>" if rcpt else ""
    return (
        f"Received: from {helo} ([{address}])\r\n\tby {hostname} with {name} id {queue_id}{tls}{target};\r\n"
        f"\t{date_time(now_us // 1_000_000)}\r\n"
    ).encode("ascii", "replace")
