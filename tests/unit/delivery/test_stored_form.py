"""The prefix of one account's copy."""

import uuid
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from posthouse.delivery.stored_form import prefix
from posthouse.model.envelope import Body, Deliver, Rcpt
from posthouse.model.ids import AccountId, DeliveryId, QueueId
from posthouse.model.verdict import Verdict, VerdictKind

ACCOUNT = AccountId(uuid.UUID(int=1))
RCPT = Rcpt("ann@example.org", ACCOUNT, "ann@example.org")
DELIVER = Deliver(DeliveryId(b"d" * 16), QueueId("0" * 26), ACCOUNT, RCPT, "s@example.net", "", Body(0, b""))


def test_the_usual_copy() -> None:
    assert prefix(DELIVER) == b"Return-Path: <s@example.net>\r\nDelivered-To: ann@example.org\r\n"


def test_the_null_sender() -> None:
    assert prefix(replace(DELIVER, reverse_path="")).startswith(b"Return-Path: <>\r\n")


def test_the_original_address_where_it_is_another() -> None:
    alias = replace(DELIVER, rcpt=replace(RCPT, address="Team@example.org"))
    assert b"X-Original-To: Team@example.org\r\n" in prefix(alias)
    case = replace(DELIVER, rcpt=replace(RCPT, address="ANN@Example.org"))
    assert b"X-Original-To" not in prefix(case)


def test_verdict_and_headers_in_order() -> None:
    junk = Verdict(VerdictKind.JUNK, 7.25, ("A", "B"))
    lines = prefix(replace(DELIVER, verdict=junk, headers=(("X-B", "2"), ("X-A", "1"), ("no name", "3"))))
    assert lines.split(b"\r\n")[2:] == [
        b"X-Posthouse-Spam: yes score=7.2 verdict=junk reasons=A,B",
        b"X-B: 2",
        b"X-A: 1",
        b"",
    ]
    tag = prefix(replace(DELIVER, verdict=Verdict(VerdictKind.TAG, 3.0)))
    assert b"X-Posthouse-Spam: no score=3.0 verdict=tag\r\n" in tag


def test_what_is_long_is_folded_between_words() -> None:
    value = "mx.example.org; " + "; ".join(f"dkim=pass header.d=d{number}.example" for number in range(9))
    lines = prefix(replace(DELIVER, headers=(("Authentication-Results", value),))).split(b"\r\n")[2:-1]
    assert len(lines) > 4
    assert all(len(line) <= 78 and line.strip() for line in lines)
    assert b"".join(lines).decode() == f"Authentication-Results: {value}"
    alone = prefix(replace(DELIVER, headers=(("X-Long", "x" * 200),)))
    assert b"X-Long: " + b"x" * 200 + b"\r\n" in alone


@given(st.text(), st.text(), st.text(), st.text() | st.text(" ab", min_size=60))
def test_no_line_breaks_whatever_is_in_it(path: str, address: str, name: str, value: str) -> None:
    deliver = replace(DELIVER, reverse_path=path, rcpt=replace(RCPT, address=address), headers=((name, value),))
    lines = prefix(deliver)
    assert lines.endswith(b"\r\n")
    for line in lines[:-2].replace(b"\r\n ", b" ").split(b"\r\n"):
        assert b":" in line
        assert not set(line) & {*range(32), 127}
        assert not line.startswith(b" ")
