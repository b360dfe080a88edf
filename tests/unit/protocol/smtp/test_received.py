import email
import email.policy
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.model.envelope import Peer
from posthouse.model.ids import QueueId
from posthouse.protocol.smtp.received import date_time, protocol_name, received_line

QUEUE_ID = QueueId("01jc0000000000000000000000")


def test_the_usual_line() -> None:
    peer = Peer("192.0.2.1", "client.example.org", "TLSv1.3 TLS_AES_256_GCM_SHA384", "alice@example.org")
    line = received_line(peer, "mx.example.org", QUEUE_ID, 1_700_000_000_999_999, rcpt="bob@example.org")
    assert line == (
        b"Received: from client.example.org ([192.0.2.1])\r\n"
        b"\tby mx.example.org with ESMTPSA id 01jc0000000000000000000000\r\n"
        b"\t(TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"
        b"\tfor <bob@example.org>;\r\n"
        b"\tTue, 14 Nov 2023 22:13:20 +0000\r\n"
    )


def test_short_forms() -> None:
    line = received_line(Peer("2001:db8::1", "x"), "mx", QUEUE_ID, 0, extended=False)
    assert b"([IPv6:2001:db8::1])" in line
    assert b"with SMTP id" in line
    assert b"for" not in line
    assert b"(TLS" not in line


@pytest.mark.parametrize(
    ("extended", "tls", "login", "name"),
    [(0, 0, 0, "SMTP"), (1, 0, 0, "ESMTP"), (1, 1, 0, "ESMTPS"), (1, 0, 1, "ESMTPA"), (1, 1, 1, "ESMTPSA")],
)
def test_names_of_rfc_3848(extended: int, tls: int, login: int, name: str) -> None:
    assert protocol_name(extended=bool(extended), tls=bool(tls), login=bool(login)) == name


@given(st.text(max_size=60))
def test_no_helo_breaks_out_of_the_field(helo: str) -> None:
    line = received_line(Peer("192.0.2.1", helo), "mx.example.org", QUEUE_ID, 0, rcpt='"a b"@example.org')
    message = email.message_from_bytes(line + b"\r\n", policy=email.policy.compat32)
    assert message.keys() == ["Received"]
    assert line.count(b"\r\n") == 4
    assert line.isascii()


@given(st.integers(0, 4_000_000_000))
def test_dates_are_what_the_standard_library_reads(seconds: int) -> None:
    assert parsedate_to_datetime(date_time(seconds)).timestamp() == seconds
