"""Other filters' verdicts go; everything else stays as it is."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from posthouse.spam.sanitise import MAX_OCTETS, bucket, sanitise


def test_other_filters_and_collectors_are_taken_out() -> None:
    raw = (
        b"From someone@example.org  Tue Aug  6 11:51:02 2002\r\n"
        b"X-Spam-Status: Yes, score=20\r\n\ttests=A,B\r\nReceived: from a by b\r\n\tfor <c>\r\n"
        b"X-MS-Exchange-Organization-SCL: 9\r\nAuthentication-Results: mx; dmarc=fail\r\nARC-Seal: i=1\r\n"
        b"x-rspamd-score: 3\r\nStatus: RO\r\nX-Gm-Spam: 0\r\nX-Posthouse-Spam: 4\r\n"
        b"Subject: hi\r\n\r\nX-Spam-Status: body\r\n"
    )
    assert sanitise(raw) == b"Received: from a by b\n\tfor <c>\nSubject: hi\n\nX-Spam-Status: body\n"


def test_a_name_that_only_begins_alike_stays() -> None:
    raw = b"Status-Report: fine\nLines-Of-Text: 4\nX-Mailer: m\n\nbody\n"
    assert sanitise(raw) == raw


def test_a_filters_field_at_the_end_of_a_headless_message_goes() -> None:
    assert sanitise(b"Subject: x\nX-Spam-Flag: YES") == b"Subject: x\n"


def test_the_bucket_is_of_the_octets_before_any_cleaning() -> None:
    raw = b"From x\r\nSubject: a\r\n\r\n"
    assert bucket(raw) == int(hashlib.sha256(raw).hexdigest()[:8], 16) % 100
    assert bucket(raw) != bucket(raw + b"1") or bucket(raw) != bucket(raw + b"2")


def test_only_the_head_of_a_huge_message_is_kept() -> None:
    assert len(sanitise(b"Subject: a\n\n" + b"x" * (2 * MAX_OCTETS))) == MAX_OCTETS


@given(st.binary(max_size=400))
def test_cleaning_twice_changes_nothing_more(raw: bytes) -> None:
    once = sanitise(raw)
    if b"\r\n" not in once:
        assert sanitise(once) == once
