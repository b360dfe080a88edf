"""Every verb: what it becomes, and what it refuses (FETCH and SEARCH have tests of their own)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.model.change import FlagMode
from posthouse.model.flags import DELETED, SEEN, Flags
from posthouse.protocol.imap.commands import (
    append,
    authenticate,
    copy,
    create,
    enable,
    expunge,
    id,
    list,
    login,
    rename,
    select,
    status,
    store,
    subscribe,
)
from posthouse.protocol.imap.commands.flags import client_flags
from posthouse.protocol.imap.commands.registry import PARSERS, UID_PARSERS, Command
from posthouse.protocol.imap.lexer import BadSyntax, Lexer
from posthouse.protocol.imap.sequence_set import SequenceSet

ONE = SequenceSet(((1, 1),))


def parsed(text: bytes, *literals: bytes) -> Command:
    verb, space, rest = text.partition(b" ")
    parsers = PARSERS
    if verb == b"UID":
        parsers = UID_PARSERS
        verb, space, rest = rest.partition(b" ")
    lexer = Lexer(space + rest, literals)
    command = parsers[verb.decode()](lexer)
    lexer.end()
    return command


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (b"LOGIN ann secret", login.Login("ann", "secret")),
        (b'LOGIN "a b" ""', login.Login("a b", "")),
        (b"AUTHENTICATE plain", authenticate.Authenticate("PLAIN")),
        (b"AUTHENTICATE PLAIN AGEAYg==", authenticate.Authenticate("PLAIN", b"\0a\0b")),
        (b"AUTHENTICATE PLAIN =", authenticate.Authenticate("PLAIN", b"")),
        (b"SELECT inbox", select.Select("INBOX")),
        (b"SELECT Work (CONDSTORE)", select.Select("Work", condstore=True)),
        (b"EXAMINE Work", select.Select("Work", read_only=True)),
        (b"CREATE Work/", create.Create("Work")),
        (b"CREATE Out (USE (\\Sent))", create.Create("Out", ("\\Sent",))),
        (b"CREATE Out (USE ())", create.Create("Out")),
        (b"RENAME a b", rename.Rename("a", "b")),
        (b"SUBSCRIBE a", subscribe.Subscribe("a", True)),
        (b"UNSUBSCRIBE a", subscribe.Subscribe("a", False)),
        (b'LIST "" *', list.List("", "*")),
        (b'LIST "" ""', list.List("", "")),
        (b'LSUB "" %', list.List("", "%", subscribed=True)),
        (b"STATUS a (MESSAGES unseen messages)", status.Status("a", ("MESSAGES", "UNSEEN"))),
        (b"ENABLE CONDSTORE x", enable.Enable(("CONDSTORE", "X"))),
        (b"ID NIL", id.Id(())),
        (b'ID ("name" "x" "version" NIL)', id.Id(((b"name", b"x"), (b"version", None)))),
        (b"EXPUNGE", expunge.Expunge()),
        (b"UID EXPUNGE 1", expunge.Expunge(ONE)),
        (b"STORE 1 FLAGS \\Seen x", store.Store(ONE, FlagMode.REPLACE, False, ("\\Seen", "x"))),
        (b"STORE 1 +FLAGS.SILENT (\\Deleted)", store.Store(ONE, FlagMode.ADD, True, ("\\Deleted",))),
        (
            b"UID STORE 1 (UNCHANGEDSINCE 12) -flags ()",
            store.Store(ONE, FlagMode.REMOVE, False, (), unchanged_since=12, uid=True),
        ),
        (b"COPY 1 b", copy.Copy(ONE, "b")),
        (b"UID COPY 1 b", copy.Copy(ONE, "b", uid=True)),
        (b"MOVE 1 b", copy.Copy(ONE, "b", move=True)),
        (b"UID MOVE 1 b", copy.Copy(ONE, "b", uid=True, move=True)),
    ],
)
def test_commands(text: bytes, command: Command) -> None:
    assert parsed(text) == command


@pytest.mark.parametrize(
    "text",
    [
        b"LOGIN ann",
        b"LOGIN ann  secret",
        b"LOGIN ann (x)",
        b"AUTHENTICATE",
        b"AUTHENTICATE PLAIN !!",
        b"AUTHENTICATE PL@IN",
        b"SELECT",
        b"SELECT a (QRESYNC (1 2))",
        b"SELECT a ()",
        b"SELECT a b",
        b"SELECT \xc3\xbc",
        b"CREATE a (USE \\Sent)",
        b"CREATE a (FOO (x))",
        b"CREATE a (USE (" + b" ".join([b"\\Sent"] * 9) + b"))",
        b"RENAME a",
        b"LIST a",
        b"LIST (SPECIAL-USE) a b",
        b'LIST "" ' + b"a*" * 1001,
        b"STATUS a",
        b"STATUS a ()",
        b"STATUS a (SIZES)",
        b"ENABLE",
        b"ID",
        b"ID (name x)",
        b'ID ("name")',
        b"ID (" + b" ".join([b'"a" "b"'] * 31) + b")",
        b"UID EXPUNGE",
        b"STORE 1 FLAGS",
        b"STORE 1 FOO (x)",
        b"STORE 1 (UNCHANGEDSINCE) FLAGS ()",
        b"STORE 1 (FOO 1) FLAGS ()",
        b"STORE x FLAGS ()",
        b"COPY 1",
        b"NOOP x",
        b"IDLE x",
    ],
)
def test_refused(text: bytes) -> None:
    with pytest.raises(BadSyntax):
        parsed(text)


def test_passwords_are_utf8_and_never_shown() -> None:
    assert parsed(b"LOGIN a {3}\n", "pä".encode()) == login.Login("a", "pä")
    with pytest.raises(BadSyntax):
        parsed(b"LOGIN a {1}\n", b"\xff")
    assert "pä" not in repr(login.Login("a", "pä"))
    assert "b" not in repr(authenticate.Authenticate("X", b"bbb")).replace("mechanism", "")


class TestAppend:
    def test_all_there_is(self) -> None:
        command = parsed(b'APPEND Sent (\\Seen x) " 5-Mar-2024 23:30:00 -0500" {3}\n', b"a\r\n")
        assert command == append.Append("Sent", b"a\r\n", Flags(SEEN, frozenset({"x"})), 1709699400)

    def test_only_a_message(self) -> None:
        assert parsed(b"APPEND a {1}\n", b"x") == append.Append("a", b"x")

    @pytest.mark.parametrize(
        ("text", "literal"),
        [
            (b"APPEND a", None),
            (b'APPEND a "x"', None),
            (b"APPEND a x", None),
            (b"APPEND a {0}\n", b""),
            (b"APPEND a {1}\n", b"\0"),
            (b"APPEND a (\\Foo) {1}\n", b"x"),
            (b'APPEND a "1-Jan-2024 00:00:00 +0000" {1}\n', b"x"),
            (b'APPEND a "01-Foo-2024 00:00:00 +0000" {1}\n', b"x"),
            (b'APPEND a "01-Jan-2024 24:00:00 +0000" {1}\n', b"x"),
            (b'APPEND a "00-Jan-2024 20:00:00 +0000" {1}\n', b"x"),
            (b"APPEND a {1}\n {1}\n", b"x"),
        ],
    )
    def test_refused(self, text: bytes, literal: bytes | None) -> None:
        with pytest.raises(BadSyntax):
            parsed(text, *([] if literal is None else [literal]))


class TestFlags:
    def test_system_flags_in_any_case_and_recent_dropped(self) -> None:
        assert client_flags(["\\seen", "\\DELETED", "\\Recent"]) == Flags(SEEN | DELETED)

    def test_keywords_keep_the_spelling_that_the_mailbox_knows(self) -> None:
        assert client_flags(["WORK", "work"], {"work": "Work"}).kw == {"Work"}
        assert client_flags(["New", "NEW"]).kw == {"New"}

    @pytest.mark.parametrize("names", [["\\Foo"], ["x" * 101], [f"k{n}" for n in range(101)]])
    def test_refused(self, names: list[str]) -> None:  # type: ignore[valid-type]
        with pytest.raises(BadSyntax):
            client_flags(names)


Names = tuple[str, ...]
PIECES = st.text("ab/*%", max_size=8)


class TestPattern:
    @pytest.mark.parametrize(
        ("reference", "pattern", "matches", "not_matches"),
        [
            ("", "*", ["INBOX", "a/b/c"], []),
            ("", "%", ["INBOX", "a"], ["a/b"]),
            ("", "a/%", ["a/b", "a/"], ["a", "a/b/c"]),
            ("a/", "%", ["a/b"], ["b"]),
            ("", "inbox", ["INBOX"], ["inbox"]),
            ("", "inbox/%", ["INBOX/x"], ["INBOX"]),
            ("", "%%%", ["abc"], ["a/b"]),
            ("", "a.b", ["a.b"], ["axb"]),
            ("", "%/*x", ["a/bx", "a/b/x"], ["ax"]),
        ],
    )
    def test_match(self, reference: str, pattern: str, matches: Names, not_matches: Names) -> None:
        compiled = list.Pattern(reference, pattern)
        assert [name for name in matches if not compiled.matches(name)] == []
        assert [name for name in not_matches if compiled.matches(name)] == []

    @given(PIECES, PIECES)
    def test_as_an_expression_would(self, pattern: str, name: str) -> None:
        expression = "".join({"*": ".*", "%": "[^/]*"}.get(c) or re.escape(c) for c in pattern)
        assert list.Pattern("", pattern).matches(name) is bool(re.fullmatch(expression, name))

    def test_no_pattern_runs_for_long(self) -> None:
        pattern = list.Pattern("", "*a" * 300 + "b")
        assert not any(pattern.matches("a" * 1000) for _ in range(20))
