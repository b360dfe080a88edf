"""Anything at all, sent in each state of a connection: the server answers in the grammar, or says BYE; never a fault of
its own, and other connections are served on."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.imap_server import ThreadedImap, threaded_imap_server
from harness.imap_transcript import MESSAGES
from posthouse.model.flags import Flags

# What a line of an answer may be (RFC 3501 §9, response): continuation, untagged, tagged.
ANSWER = re.compile(
    rb"""\+\ [^\r\n]*
    |\*\ (?:OK|NO|BAD|BYE)\ [^\r\n]+
    |\*\ (?:CAPABILITY|FLAGS|LIST|LSUB|SEARCH|STATUS|ENABLED|NAMESPACE|ID)(?:\ [^\r\n]*)?
    |\*\ \d+\ (?:EXISTS|RECENT|EXPUNGE)
    |\*\ \d+\ FETCH\ \(.*\)
    |[^\x00-\x20(){%*"\\+\x7f-\xff]+\ (?:OK|NO|BAD)\ [^\r\n]+""",
    re.DOTALL | re.VERBOSE,
)
LITERAL = re.compile(rb"\{(\d+)\}\Z")

STATES: dict[str, list[bytes]] = {
    "not authenticated": [],
    "sasl": [b"s AUTHENTICATE PLAIN"],
    "authenticated": [b"l LOGIN ann@example.org secret"],
    "selected": [b"l LOGIN ann@example.org secret", b"m SELECT INBOX"],
    "read-only": [b"l LOGIN ann@example.org secret", b"m EXAMINE INBOX (CONDSTORE)"],
    "idle": [b"l LOGIN ann@example.org secret", b"m SELECT INBOX", b"i IDLE"],
}

WORDS = st.sampled_from(
    rb"""1 1:* * 2,4:7 9999999999 () (\Seen) (\Deleted $x) FLAGS +FLAGS -FLAGS.SILENT (FLAGS) (UID BODY[]) ENVELOPE
    BODY.PEEK[1.MIME]<0.9> BODY[HEADER.FIELDS (To)] (BODYSTRUCTURE) RFC822 ALL FULL
    INBOX Sent Nothing a/b % "" "x y" NIL {3} {3+} {99+} (CONDSTORE) (CHANGEDSINCE 1) (UNCHANGEDSINCE 1) (MODSEQ)
    (MESSAGES UIDNEXT) UNSEEN SEEN NOT OR SUBJECT TEXT x BODY SINCE 1-Jan-2024 CHARSET UTF-8 KEYWORD HEADER From
    LARGER 10 MODSEQ 3 &AP- &- (USE (\Junk)) ( ) " \ [ ] <0.1> = + DONE""".split()
)
VERBS = st.sampled_from(
    b"""CAPABILITY NOOP LOGIN AUTHENTICATE STARTTLS SELECT EXAMINE CREATE DELETE RENAME SUBSCRIBE UNSUBSCRIBE LIST LSUB
    STATUS APPEND CHECK CLOSE UNSELECT EXPUNGE SEARCH FETCH STORE COPY MOVE IDLE NAMESPACE ID ENABLE UID UID-FETCH
    UID-STORE UID-SEARCH UID-COPY UID-MOVE UID-EXPUNGE -""".split()
).map(lambda verb: verb.replace(b"-", b" "))
COMMAND = st.builds(lambda verb, words: b" ".join([b"t", verb, *words]) + b"\r\n", VERBS, st.lists(WORDS, max_size=5))
ANYTHING = st.lists(
    st.one_of(COMMAND, COMMAND, st.binary(max_size=50), st.sampled_from([b"\r\n", b"\n", b"\0", b"t LOGOUT\r\n"])),
    max_size=8,
).map(b"".join)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreadedImap]:
    with threaded_imap_server(tmp_path_factory.mktemp("imap")) as running:
        account = running.call(running.live.account("ann@example.org"))
        for name in MESSAGES:
            running.call(running.live.deliver(account, MESSAGES[name], flags=Flags(1, frozenset({"$x"}))))
        yield running


def connect(server: ThreadedImap) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=60)


def talk(server: ThreadedImap, prelude: list[bytes], octets: bytes) -> bytes:
    """All that the server says, up to its end of the connection."""
    with connect(server) as sock:
        received = b""
        for line in prelude:
            sock.sendall(line + b"\r\n")
            while not re.search(rb"(?m)^(?:%b |\+)" % line[:1], received[received.rfind(b"Posthouse ready") :]):
                received += sock.recv(65536)
        sock.sendall(octets)
        sock.shutdown(socket.SHUT_WR)
        while chunk := sock.recv(1 << 20):
            received += chunk
        return received


def answers(octets: bytes) -> list[bytes]:
    """Cut at line ends, literals kept in the line that announces them."""
    out: list[bytes] = []
    line = b""
    while octets:
        head, _, octets = octets.partition(b"\r\n")
        line += head
        literal = LITERAL.search(line)
        if literal:
            size = int(literal[1])
            assert len(octets) >= size, "a literal was cut off"
            line, octets = line + b"\r\n" + octets[:size], octets[size:]
            continue
        out.append(line)
        line = b""
    assert not line
    return out


@pytest.mark.parametrize("state", STATES)
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(octets=ANYTHING)
def test_each_state(server: ThreadedImap, state: str, octets: bytes) -> None:
    said = talk(server, STATES[state], octets)
    for answer in answers(said):
        assert ANSWER.fullmatch(answer), answer
        assert b"SERVERBUG" not in answer
    # Everybody else is served.
    assert talk(server, [], b"z NOOP\r\nz LOGOUT\r\n").endswith(b"z OK LOGOUT completed\r\n")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(octets=ANYTHING, cuts=st.lists(st.integers(0, 300), max_size=5))
def test_cut_in_pieces(server: ThreadedImap, octets: bytes, cuts: list[int]) -> None:
    received = b""
    with connect(server) as sock:
        at = 0
        try:
            for cut in [*sorted(cuts), len(octets)]:
                sock.sendall(octets[at:cut])
                at = max(at, cut)
            sock.shutdown(socket.SHUT_WR)
            while chunk := sock.recv(1 << 20):
                received += chunk
        except (BrokenPipeError, ConnectionResetError):
            # It had said BYE before the last piece came; the reset may have overtaken the end of what it said.
            received = b""
    for answer in answers(received):
        assert ANSWER.fullmatch(answer), answer


def test_connections_that_just_break(server: ThreadedImap) -> None:
    for octets in (
        b"",
        b"a LOGIN {4}\r\nan",
        b"l LOGIN ann@example.org secret\r\ni IDLE\r\n",
        b"s AUTHENTICATE PLAIN\r\n",
    ):
        sock = connect(server)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # reset
        sock.sendall(octets)
        sock.close()
    assert b"z OK" in talk(server, [], b"z NOOP\r\n")
