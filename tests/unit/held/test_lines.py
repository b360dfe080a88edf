"""The lines on top of a held copy: there and back."""

import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.held.lines import HeldNote, held_lines, parse_held_lines
from posthouse.model.envelope import Body, Deliver, Rcpt
from posthouse.model.errors import Invalid
from posthouse.model.ids import AccountId, DeliveryId, DomainName, QueueId, TenantName

ACCOUNT = AccountId(uuid.UUID(int=1))
RCPT = Rcpt("ann@example.org", ACCOUNT, "ann@example.org", "d", TenantName("t"), DomainName("example.org"))
DELIVER = Deliver(
    DeliveryId(b"d" * 16), QueueId("01k9zq3v5a0000000000000001"), ACCOUNT, RCPT, "s@x", "", Body(4, octets=b"body")
)
EMPTY = Body(0, octets=b"")


def test_there_and_back() -> None:
    lines = held_lines(DELIVER, "4.2.2 over quota", 77)
    assert lines.startswith(b"X-Posthouse-Held-Reason: 4.2.2 over quota\r\n")
    assert all(len(line) < 110 for line in lines.split(b"\r\n"))
    note = parse_held_lines(lines + b"Return-Path: <s@x>\r\n")
    assert note == HeldNote(replace(DELIVER, body=EMPTY), "4.2.2 over quota", 77)


@given(st.text(max_size=300), st.text(max_size=300).filter(lambda text: text.isprintable()))
def test_any_reason_and_address(reason: str, address: str) -> None:
    deliver = replace(DELIVER, rcpt=replace(RCPT, address=address))
    note = parse_held_lines(held_lines(deliver, reason, 5))
    assert note.deliver.rcpt.address == address


@given(st.binary(max_size=300))
def test_anything_else_is_invalid(octets: bytes) -> None:
    with pytest.raises(Invalid):
        parse_held_lines(octets)


def test_damage_is_invalid() -> None:
    lines = held_lines(DELIVER, "x", 5)
    with pytest.raises(Invalid):
        parse_held_lines(lines.replace(b"Record: ", b"Record: AAAA"))
    with pytest.raises(Invalid):
        parse_held_lines(lines.replace(b"At: 5", b"At: five"))
