import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.protocol.smtp import replies
from posthouse.protocol.smtp.replies import Refused
from posthouse.protocol.smtp.verbs import (
    ALLOWED,
    COMMAND_LIMIT,
    LIMITS,
    Phase,
    host_argument,
    out_of_order,
    split_command,
)


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        (b"QUIT\r\n", (b"QUIT", b"")),
        (b"mail FROM:<a@b>\r\n", (b"MAIL", b"FROM:<a@b>")),
        (b"NOOP  x y \r\n", (b"NOOP", b"x y")),
        (b"\r\n", (b"", b"")),
    ],
)
def test_split(line: bytes, parts: tuple[bytes, bytes]) -> None:
    assert split_command(line) == parts


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"QUIT\n", replies.BARE_LF_COMMAND),
        (b"\n", replies.BARE_LF_COMMAND),
        (b"NOOP a\rb\r\n", replies.NOT_ASCII),
        (b"NOOP \0\r\n", replies.NOT_ASCII),
        (b"NOOP " + b"x" * COMMAND_LIMIT + b"\r\n", replies.COMMAND_TOO_LONG),
        (b"auth PLAIN " + b"x" * LIMITS[b"AUTH"] + b"\r\n", replies.COMMAND_TOO_LONG),
    ],
)
def test_refused_lines(line: bytes, reply: replies.Reply) -> None:
    with pytest.raises(Refused) as e:
        split_command(line)
    assert e.value.reply is reply


def test_limits_are_per_verb() -> None:
    assert split_command(b"AUTH PLAIN " + b"x" * 12_000 + b"\r\n")[0] == b"AUTH"
    assert split_command(b"NOOP " + b"x" * (COMMAND_LIMIT - 7) + b"\r\n")[0] == b"NOOP"


@given(st.binary(max_size=60))
def test_a_line_is_split_or_refused(text: bytes) -> None:
    try:
        verb, _ = split_command(text.replace(b"\n", b"") + b"\r\n")
    except Refused:
        return
    assert verb == verb.upper()


@pytest.mark.parametrize(
    ("phase", "verb", "reply"),
    [
        (Phase.CONNECTED, b"MAIL", replies.GREET_FIRST),
        (Phase.CONNECTED, b"AUTH", replies.GREET_FIRST),
        (Phase.GREETED, b"RCPT", replies.MAIL_FIRST),
        (Phase.GREETED, b"DATA", replies.MAIL_FIRST),
        (Phase.MAIL, b"DATA", replies.NO_VALID_RCPTS),
        (Phase.MAIL, b"MAIL", replies.NESTED_MAIL),
        (Phase.RCPT, b"MAIL", replies.NESTED_MAIL),
        (Phase.RCPT, b"STARTTLS", replies.NOT_NOW),
        (Phase.MAIL, b"AUTH", replies.NOT_NOW),
    ],
)
def test_order(phase: Phase, verb: bytes, reply: replies.Reply) -> None:
    assert verb not in ALLOWED[phase]
    assert out_of_order(phase, verb) is reply


@pytest.mark.parametrize("phase", list(Phase))
def test_a_client_may_always_leave_or_start_again(phase: Phase) -> None:
    assert {b"QUIT", b"RSET", b"EHLO", b"NOOP"} <= ALLOWED[phase]


@pytest.mark.parametrize("argument", [b"", b"a b", b"\xff", b"a\tb", b"x" * 256, b"a\x7f"])
def test_bad_hosts(argument: bytes) -> None:
    with pytest.raises(Refused):
        host_argument(argument)


def test_hosts_need_not_be_domains() -> None:
    assert host_argument(b"[192.0.2.1]") == "[192.0.2.1]"
    assert host_argument(b"my_laptop") == "my_laptop"
