"""A connection without its socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.mailbox_model import ACCOUNT, NUMBER, MailboxModel
from posthouse.protocol.imap.columns import Columns, Pool
from posthouse.protocol.imap.commands.login import Login
from posthouse.protocol.imap.commands.noop import Noop
from posthouse.protocol.imap.commands.registry import PARSERS, UID_PARSERS
from posthouse.protocol.imap.commands.store import Store
from posthouse.protocol.imap.reader import LARGE, Overflow
from posthouse.protocol.imap.session import Answer, LargeLiteral, Request, Session
from posthouse.protocol.imap.state import State
from posthouse.protocol.imap.view import SelectedView


def session(state: State = State.SELECTED) -> Session:
    made = Session(message_limit=100_000, starttls=True, login_allowed=True)
    if state is not State.NOT_AUTHENTICATED:
        made.logged_in(ACCOUNT, "ann@example.org")
    if state is State.SELECTED:
        model, pool = MailboxModel(), Pool()
        columns = pool.adopt(ACCOUNT, NUMBER, Columns(model.contents()))
        made.selected(SelectedView(pool, ACCOUNT, model.mailbox(), columns, read_only=False))
    return made


def ask(made: Session, octets: bytes) -> object:
    made.receive_data(octets)
    return made.next_event()


def test_requests_come_one_at_a_time() -> None:
    made = session()
    made.receive_data(b"a NOOP\r\nb uid store 1 flags (\\seen)\r\n")
    assert made.next_event() == Request(b"a", "NOOP", Noop())
    second = made.next_event()
    assert isinstance(second, Request)
    assert second.verb == "UID STORE"
    assert isinstance(second.command, Store)
    assert second.command.uid
    assert made.next_event() is None


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"a FOO\r\n", b"a BAD Unknown command\r\n"),
        (b"a UID\r\n", b"a BAD Unknown command\r\n"),
        (b"a UID NOOP\r\n", b"a BAD Unknown command\r\n"),
        (b"a LOGIN x y\r\n", b"a BAD Command not allowed now\r\n"),
        (b"a NOOP x\r\n", b"a BAD Unexpected arguments\r\n"),
        (b"a FETCH\r\n", b"a BAD Missing argument\r\n"),
        (b"*\r\n", b"* BAD Invalid tag\r\n"),
        (b"a\r\n", b"a BAD Missing command\r\n"),
        (b"a \xff\xfe\r\n", b"a BAD Unknown command\r\n"),
    ],
)
def test_faults(line: bytes, answer: bytes) -> None:
    assert ask(session(), line) == Answer(answer, fault=True)


def test_a_charset_that_is_not_known_is_no_fault() -> None:
    answer = ask(session(), b"a SEARCH CHARSET KOI8-R ALL\r\n")
    assert answer == Answer(b"a NO [BADCHARSET (US-ASCII UTF-8)] Unknown charset\r\n")


@pytest.mark.parametrize("verb", sorted({*PARSERS, *("UID " + verb for verb in UID_PARSERS)}))
@pytest.mark.parametrize("state", [State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED])
@given(rest=st.one_of(st.binary(max_size=40), st.text(' ()*:1,"{}\\[]<>.%ABCabc', max_size=40).map(str.encode)))
def test_any_arguments(verb: str, state: State, rest: bytes) -> None:
    made = session(state)
    made.receive_data(b"a " + verb.encode() + b" " + rest.replace(b"\n", b"") + b"\r\n")
    event = made.next_event()
    assert event is None or isinstance(event, Request | Answer | LargeLiteral | Overflow)


def test_capabilities_follow_the_state() -> None:
    made = session(State.NOT_AUTHENTICATED)
    assert made.capabilities.split() == [
        *(b"IMAP4rev1", b"LITERAL+", b"SASL-IR", b"ID", b"ENABLE", b"STARTTLS", b"AUTH=PLAIN")
    ]
    made.tls_started()
    assert b"STARTTLS" not in made.capabilities
    made.logged_in(ACCOUNT, "x")
    for word in b"IDLE UIDPLUS MOVE NAMESPACE SPECIAL-USE CREATE-SPECIAL-USE UNSELECT CONDSTORE CHILDREN".split():
        assert word in made.capabilities.split()
    assert b"AUTH=PLAIN" not in made.capabilities
    assert b"APPENDLIMIT=100000" in made.capabilities.split()
    closed = Session(message_limit=1, starttls=True, login_allowed=False)
    assert b"LOGINDISABLED" in closed.capabilities
    assert b"AUTH=PLAIN" not in closed.capabilities


def test_starttls_forgets_what_was_injected() -> None:
    made = session(State.NOT_AUTHENTICATED)
    made.receive_data(b"a STARTTLS\r\nb LOGIN mallory x\r\n")
    assert isinstance(made.next_event(), Request)
    made.tls_started()
    assert made.next_event() is None
    assert made.buffered == 0
    login = ask(made, b"c LOGIN ann pw\r\n")
    assert login == Request(b"c", "LOGIN", Login("ann", "pw"))
    assert "pw" not in repr(login)


def test_large_literals_wait_for_memory() -> None:
    made = session()
    assert ask(made, b"a APPEND INBOX {%d}\r\n" % (LARGE + 1)) == LargeLiteral(LARGE + 1)
    assert made.next_event() is None
    assert made.grant() == b"+ OK\r\n"
    made.receive_data(b"x" * (LARGE + 1) + b"\r\n")
    assert isinstance(made.next_event(), Request)


def test_too_big() -> None:
    answer = ask(session(), b"a APPEND INBOX {999999}\r\n")
    assert answer == Answer(b"a NO [TOOBIG] Message too large\r\n", fault=True)


def test_leaving_gives_the_columns_back() -> None:
    made = session()
    view = made.view
    assert view is not None
    assert view.columns.holders == 1
    made.unselected()
    made.unselected()
    assert view.columns.holders == 0
    assert made.state is State.AUTHENTICATED
    made.ended()
    assert made.state is State.LOGOUT
