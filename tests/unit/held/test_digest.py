"""What accounts are told: once a day, in few words, without a link to follow."""

import email
import email.policy
import uuid

from hypothesis import given
from hypothesis import strategies as st

from posthouse.held.digest import (
    DAY_US,
    DIGEST_HOUR,
    MAX_OCTETS,
    DigestLine,
    compose,
    day_end,
    digest_line,
    digest_queue_id,
)
from posthouse.model.ids import AccountId, queue_id_octets, queue_id_time_us

ANN, BOB = AccountId(uuid.UUID(int=1)), AccountId(uuid.UUID(int=2))
SIX = DIGEST_HOUR * 3_600_000_000
END = 20_000 * DAY_US + SIX


def test_a_day_ends_at_its_hour() -> None:
    assert day_end(END) == END
    assert day_end(END - 1) == END - DAY_US
    assert day_end(END + DAY_US - 1) == END


def test_one_digest_per_account_and_day_has_one_name() -> None:
    name = digest_queue_id(ANN, END)
    assert name == digest_queue_id(ANN, END)
    assert len({name, digest_queue_id(BOB, END), digest_queue_id(ANN, END + DAY_US)}) == 3
    assert queue_id_time_us(name) == END
    assert uuid.UUID(bytes=queue_id_octets(name)).version == 7


def test_what_it_says() -> None:
    sender = b"From: =?utf-8?q?J=C3=B6rg?= <j@spam.example>\r\n"
    head = sender + b"Subject: Win at http://evil.example/x www.evil.example\r\n\r\nbody"
    line = digest_line("0123456789ab", head, END - 1, 9.46)
    octets = compose("ann@example.org", "example.org", digest_queue_id(ANN, END), END, [line])
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert message["To"] == "ann@example.org"
    assert message["Subject"] == "1 message held back for you"
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_content()
    assert "0123456789ab  2024-10-04 05:59 UTC  score 9.5" in text
    assert "Jörg <j@spam.example>" in text
    assert "http:// evil.example/x www evil.example" in text
    assert "postmaster@example.org" in text


def test_a_message_without_anything() -> None:
    line = digest_line("0123456789ab", b"", END, 0.0)
    text = compose("ann@example.org", "example.org", digest_queue_id(ANN, END), END, [line, line]).decode()
    assert text.count("(none)") == 4
    assert "2 messages held back" in text


@given(
    st.lists(
        st.builds(
            DigestLine,
            st.just("0123456789ab"),
            st.text(max_size=80),
            st.text(max_size=100),
            st.integers(0, END),
            st.floats(-99, 99),
        ),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 200),
)
def test_it_is_bounded_and_says_what_it_leaves_out(lines: list[DigestLine], times: int) -> None:
    octets = compose("ann@example.org", "example.org", digest_queue_id(ANN, END), END, lines * times)
    assert len(octets) <= MAX_OCTETS + 1_000
    told = octets.count(b"0123456789ab  ")
    assert (told == len(lines) * times) is (b" more.\r\n" not in octets)
