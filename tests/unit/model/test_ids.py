"""Identifiers: the text of a queue id, and ids derived from it."""

import datetime
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.model.ids import (
    AccountId,
    DomainName,
    EmailId,
    QueueId,
    delivery_id,
    derived_op_id,
    email_month,
    quarantine_account,
    queue_id_from_octets,
    queue_id_octets,
    queue_id_time_us,
)

OCTETS = st.binary(min_size=16, max_size=16)
QUEUE_ID = queue_id_from_octets(bytes(range(16)))
ACCOUNT = AccountId(uuid.UUID(int=7))


@given(OCTETS)
def test_queue_ids_are_octets_in_another_alphabet(octets: bytes) -> None:
    queue_id = queue_id_from_octets(octets)
    assert len(queue_id) == 26
    assert set(queue_id) <= set("0123456789abcdefghjkmnpqrstvwxyz")
    assert queue_id_octets(queue_id) == octets


@given(OCTETS, OCTETS)
def test_queue_ids_sort_as_their_octets(a: bytes, b: bytes) -> None:
    assert (queue_id_from_octets(a) < queue_id_from_octets(b)) == (a < b)


@given(st.text(max_size=30))
def test_other_text_is_no_queue_id(text: str) -> None:
    try:
        octets = queue_id_octets(QueueId(text))
    except ValueError:
        return
    assert queue_id_from_octets(octets) == text


@pytest.mark.parametrize("text", ["", QUEUE_ID[:-1], QUEUE_ID + "0", "u" + QUEUE_ID[1:], "z" * 26, QUEUE_ID.upper()])
def test_near_misses(text: str) -> None:
    with pytest.raises(ValueError, match="queue_id"):
        queue_id_octets(QueueId(text))


def test_the_time_of_a_queue_id() -> None:
    millis = 1_790_000_000_123
    assert queue_id_time_us(queue_id_from_octets(millis.to_bytes(6, "big") + bytes(10))) == millis * 1000


def test_a_delivery_id_is_a_function_of_message_account_and_detail() -> None:
    same = delivery_id(QUEUE_ID, ACCOUNT, "Travel")
    assert same == delivery_id(QUEUE_ID, ACCOUNT, "travel"), "details differ by more than case"
    assert (
        len({same, delivery_id(QUEUE_ID, ACCOUNT, ""), delivery_id(QUEUE_ID, AccountId(uuid.UUID(int=8)), "travel")})
        == 3
    )
    assert uuid.UUID(bytes=bytes(same)).version == 5
    # Kept for good: what is on its way, and what account logs remember, was named by this function.
    assert same.hex() == "fd397a637fdc5996915921b4bdea5351"


def test_follow_ups_are_named_by_what_they_are() -> None:
    assert derived_op_id(bytes(16), "drop") == derived_op_id(bytes(16), "drop")
    assert derived_op_id(bytes(16), "drop") != derived_op_id(bytes(16), "release")
    assert quarantine_account(DomainName("a.org")) != quarantine_account(DomainName("b.org"))


@given(st.datetimes(datetime.datetime(1990, 1, 1), datetime.datetime(2200, 1, 1)))
def test_the_month_of_an_email_id(when: datetime.datetime) -> None:
    ticks = (when - datetime.datetime(1582, 10, 15)) // datetime.timedelta(microseconds=1) * 10
    fields = (ticks & 0xFFFF_FFFF, ticks >> 32 & 0xFFFF, ticks >> 48 & 0x0FFF | 0x1000, 0x80, 0, 1)
    assert email_month(EmailId(uuid.UUID(fields=fields))) == (when.year - 1970) * 12 + when.month - 1
