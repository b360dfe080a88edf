"""From packets to messages: exactly what came over SMTP, within limits, whatever is sent."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.milter_client import ALL_PROTOCOL, connect, macros, options, packets, transaction
from posthouse.protocol.milter import session as limits
from posthouse.protocol.milter.packets import MilterError, packet
from posthouse.protocol.milter.session import Close, Event, Message, MilterSession, Reply

MESSAGE = b"From: a@example.net\r\nSubject:  two  blanks\r\n\tfolded\r\nX:none\r\n\r\nline\r\n\r\n..x\r\nend\r\n"


def fed(session: MilterSession, octets: bytes) -> list[Event]:
    return list(session.feed(octets))


def message_of(session: MilterSession, octets: bytes) -> Message:
    [message] = [event for event in fed(session, octets) if isinstance(event, Message)]
    return message


def opened(max_size: int = 2_000_000, *, protocol: int = ALL_PROTOCOL) -> MilterSession:
    session = MilterSession(max_size)
    fed(session, options(protocol=protocol) + connect())
    return session


def test_options_are_agreed_on() -> None:
    [reply] = fed(MilterSession(1), options())
    assert isinstance(reply, Reply)
    [(command, data)] = packets(reply.octets)
    version, actions, protocol = struct.unpack(">III", data)
    assert (command, version, actions) == (b"O", 6, 0x31)
    assert protocol & 0x10_0000
    assert protocol & 0x400
    assert not protocol & 0x7F, "every command is wanted"


@pytest.mark.parametrize("offer", [options(version=1), options(actions=0x20), packet(b"O", b"short"), connect()])
def test_what_cannot_be_agreed_on_ends_it(offer: bytes) -> None:
    with pytest.raises(MilterError):
        fed(MilterSession(1), offer)


def test_an_old_mta_is_answered_for_each_command() -> None:
    session = MilterSession(1_000_000)
    fed(session, options(version=2, protocol=0))
    events = fed(session, connect() + transaction(MESSAGE, spaced=False))
    replies = [event.octets for event in events if isinstance(event, Reply)]
    assert replies == [b"\0\0\0\x01c"] * 10  # connection, HELO, MAIL, RCPT, DATA, three fields, end of header, body
    assert isinstance(events[-1], Message)


def test_with_the_options_of_postfix_only_the_body_is_answered() -> None:
    events = fed(opened(), transaction(MESSAGE))
    assert [type(event) for event in events] == [Reply, Message]


def test_a_message_is_put_together_as_it_came() -> None:
    message = message_of(opened(), macros(b"M", auth_authen="alice") + transaction(MESSAGE, chunk=3))
    assert message.octets == MESSAGE
    assert (message.ip, message.helo, message.reverse_path) == ("192.0.2.7", "mail.example.net", "ann@example.net")
    assert (message.rcpts, message.login, message.cut) == (("you@example.org",), "alice", False)
    assert message.fields[1] == (b"Subject", b"  two  blanks\n\tfolded")


@given(
    st.lists(st.tuples(st.from_regex(r"[A-Za-z-]{1,8}", fullmatch=True), st.text("ab :=;", max_size=9)), min_size=1),
    st.binary(max_size=300),
    st.integers(1, 50),
)
def test_octets_survive(fields: list[tuple[str, str]], body: bytes, chunk: int) -> None:
    message = b"".join(f"{name}:x{value}y\r\n".encode() for name, value in fields) + b"\r\n" + body
    assert message_of(opened(), transaction(message, chunk=chunk)).octets == message


def test_a_login_is_of_its_transaction_alone() -> None:
    session = opened()
    first = message_of(session, macros(b"M", auth_authen="alice") + transaction(MESSAGE))
    second = message_of(session, transaction(MESSAGE))
    assert (first.login, second.login) == ("alice", "")
    fed(session, macros(b"M", auth_authen="alice") + packet(b"A"))
    assert message_of(session, transaction(MESSAGE)).login == ""


def test_after_quit_nc_comes_another_client() -> None:
    session = opened()
    message_of(session, transaction(MESSAGE))
    fed(session, packet(b"K") + connect("IPv6:2001:db8::1", family=b"6"))
    assert message_of(session, transaction(MESSAGE)).ip == "2001:db8::1"
    fed(session, packet(b"K") + packet(b"C", b"localhost\0L\0\0/run/socket\0"))
    assert message_of(session, transaction(MESSAGE)).ip == ""
    assert fed(session, packet(b"Q")) == [Close()]


def test_of_a_long_body_the_head_is_kept_and_no_more_is_asked_for() -> None:
    session = opened(1000)
    events = fed(session, transaction(MESSAGE + b"x" * 5000, chunk=100))
    replies = [event.octets for event in events if isinstance(event, Reply)]
    assert replies[0] == b"\0\0\0\x01c"
    assert replies[-1] == b"\0\0\0\x01s"
    message = events[-1]
    assert isinstance(message, Message)
    assert message.cut
    assert message.octets == (MESSAGE + b"x" * 5000)[:1000]


def test_a_header_beyond_all_limits_is_told_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_FIELDS", 3)
    message = message_of(opened(), transaction(b"a: 1\r\n" * 9 + b"\r\nbody"))
    assert message.unbounded
    assert message.octets == b"a: 1\r\n" * 3 + b"\r\n"


@pytest.mark.parametrize(
    "octets", [packet(b"Z"), packet(b"L", b"no value"), packet(b"B", b"early"), packet(b"N") + packet(b"L", b"a\0b\0")]
)
def test_nonsense_ends_it(octets: bytes) -> None:
    with pytest.raises(MilterError):
        fed(opened(), octets)


@given(
    st.lists(
        st.one_of(
            st.builds(packet, st.sampled_from([bytes([c]) for c in b"ABCDEHKLMNOQRTUX"]), st.binary(max_size=30)),
            st.sampled_from([options(), connect(), transaction(MESSAGE), packet(b"N"), packet(b"L", b"a\0b\0")]),
            st.binary(max_size=12),
        ),
        max_size=20,
    )
)
def test_nothing_that_is_sent_does_harm(pieces: list[bytes]) -> None:
    session = MilterSession(500)
    try:
        for event in fed(session, options() + b"".join(pieces)):
            assert isinstance(event, Reply | Close | Message)
            if isinstance(event, Message):
                assert len(event.octets) <= 500 + len(MESSAGE)
    except MilterError:
        pass
    assert session.held <= 1000
