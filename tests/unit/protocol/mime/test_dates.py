"""Date fields: RFC 5322 by its examples, the obsolete forms, and against the standard library."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.protocol.mime.dates import SentDate, parse_date


def _epoch(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"Fri, 21 Nov 1997 09:55:06 -0600", SentDate(_epoch(1997, 11, 21, 15, 55, 6), -360)),
        (b"Thu,\t13\tFeb\t1969\t23:32\t-0330 (Newfoundland Time)", SentDate(_epoch(1969, 2, 14, 3, 2), -210)),
        (b"21 Nov 97 09:55:06 GMT", SentDate(_epoch(1997, 11, 21, 9, 55, 6), 0)),
        (b"21 Nov 26 09:55 EST", SentDate(_epoch(2026, 11, 21, 14, 55), -300)),
        (b"1 Jan 102 00:00:00 +0000", SentDate(_epoch(2002, 1, 1), 0)),
        (b"Tue, 03 November 2026 10:00:60 +0530", SentDate(_epoch(2026, 11, 3, 4, 31), 330)),
        (b"3-Nov-2026 10:00:00 Q", SentDate(_epoch(2026, 11, 3, 10), 0)),
        (b"Tue, 3 Nov 2026", SentDate(_epoch(2026, 11, 3), 0)),
        (b"31 Feb 2026 10:00:00 +0000", None),
        (b"3 Foo 2026 10:00:00 +0000", None),
        (b"3 Nov 2026 25:00:00 +0000", None),
        (b"3 Nov 2026 10:61:00 +0000", None),
        (b"1 Jan 0000 10:00:00 +0000", None),
        (b"", None),
        (b"yesterday", None),
    ],
)
def test_parse(value: bytes, expected: SentDate | None) -> None:
    assert parse_date(value) == expected


def test_the_day_is_the_one_written() -> None:
    late = parse_date(b"3 Nov 2026 00:30:00 +0200")
    assert late is not None
    assert late.day == _epoch(2026, 11, 3) // 86_400


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2199, 1, 1)), st.integers(-23 * 60, 23 * 60))
def test_reads_what_the_standard_library_writes(moment: datetime, zone: int) -> None:
    moment = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=zone)))
    assert parse_date(format_datetime(moment).encode()) == SentDate(int(moment.timestamp()), zone)


@given(
    st.binary(max_size=60)
    | st.lists(st.sampled_from([b"3", b" ", b"Nov", b",", b":", b"-", b"+0100", b"T"])).map(b"".join)
)
def test_never_raises(value: bytes) -> None:
    parse_date(value)
