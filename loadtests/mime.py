"""What the MIME scanner and the prepared row cost: µs per message and MB/s, one process, no server.

    python loadtests/mime.py [--repeat 5] [--json]

Messages: twenty plain ones of 4 KiB, and the standard hundred of tests/harness/corpus.py (mean near 84 KB). CPU time,
best of the repeats. Bars: scan of 4 KiB at most 30 µs, scan of the hundred about 100 µs in the mean, 10,000 ENVELOPE
slices at most 10 ms.
"""

import argparse
import email
import json
import sys
import time
import timeit
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from harness.corpus import message, mixed
from posthouse.protocol.mime.envelope import envelope
from posthouse.protocol.mime.header import Headers
from posthouse.protocol.mime.prepared import (
    bodystructure_of,
    decode,
    encode,
    envelope_of,
    header_fields_of,
    outline_of,
    prepare,
)
from posthouse.protocol.mime.scan import scan
from posthouse.protocol.mime.sections import Section, resolve

_THUNDERBIRD = (
    b"HEADER.FIELDS (From To Cc Bcc Resent-Message-ID Subject Date Message-ID Priority X-Priority References "
    b"Newsgroups In-Reply-To Content-Type Reply-To)"
)
_PREFIX = b"Return-Path: <a@example.org>\r\nDelivered-To: b@example.net\r\nX-Posthouse-Spam: no\r\n"
_READ_ALL = ("scan", "prepare", "stdlib message_from_bytes")


def best(work: Callable[[], object], times: int, repeat: int) -> float:
    """CPU seconds of one call: what a wait for the core costs is not the code's."""
    return min(timeit.repeat(work, timer=time.process_time, number=times, repeat=repeat)) / times


def steps(messages: list[bytes]) -> dict[str, Callable[[], object]]:
    """Name → what does that step once for every message."""
    fields = Section.parse(_THUNDERBIRD)
    assert fields is not None
    part = Section((1,))
    prepared = [prepare(one) for one in messages]
    rows = [encode(one) for one in prepared]
    headers = [scan(one).header for one in messages]
    outlines = [outline_of(row) for row in rows]
    return {
        "scan": lambda: [scan(one) for one in messages],
        "envelope": lambda: [envelope(Headers(one)) for one in headers],
        "prepare": lambda: [prepare(one) for one in messages],
        "encode": lambda: [encode(one) for one in prepared],
        "decode": lambda: [decode(row) for row in rows],
        "envelope_of": lambda: [envelope_of(row) for row in rows],
        "bodystructure_of": lambda: [bodystructure_of(row) for row in rows],
        "outline_of": lambda: [outline_of(row) for row in rows],
        "resolve BODY[1]": lambda: [resolve(one, part, prefix=_PREFIX) for one in outlines],
        "Thunderbird's fields": lambda: [header_fields_of(row, fields, _PREFIX) for row in rows],
        "stdlib message_from_bytes": lambda: [email.message_from_bytes(one) for one in messages],
    }


def measure(repeat: int) -> list[tuple[str, str, float]]:
    """(messages, figure, value): µs per message of each step, MB/s of the steps that read it all, and sizes."""
    figures: list[tuple[str, str, float]] = []
    for name, messages in (("plain 4 KiB", [message("plain", 4_096, n) for n in range(20)]), ("mixed", mixed())):
        octets = sum(map(len, messages))
        figures.append((name, "octets per message", octets / len(messages)))
        figures.append((name, "octets per row", sum(len(encode(prepare(one))) for one in messages) / len(messages)))
        for step, work in steps(messages).items():
            seconds = best(work, 1 if "stdlib" in step else max(1, 2_000 // len(messages)), repeat)
            figures.append((name, f"{step}, µs", seconds / len(messages) * 1e6))
            if step in _READ_ALL:
                figures.append((name, f"{step}, MB/s", octets / seconds / 1e6))
    rows = [encode(prepare(message("plain", 4_096, n))) for n in range(20)] * 500
    seconds = best(lambda: [envelope_of(row) for row in rows], 1, repeat)
    figures.append(("plain 4 KiB", "10,000 envelope_of, ms", seconds * 1e3))
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure(options.repeat)
    if options.json:
        print(json.dumps([{"messages": name, "figure": figure, "value": value} for name, figure, value in figures]))
        return 0
    for name, figure, value in figures:
        print(f"{name:14}{figure:34}{value:>12.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
