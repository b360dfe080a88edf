"""FETCH data, read back by imapclient's parser and by eye."""

from __future__ import annotations

import pytest

from harness.mailbox_model import ACCOUNT, NUMBER, MailboxModel
from posthouse.model.flags import SEEN, Flags
from posthouse.protocol.imap.columns import Columns, Pool
from posthouse.protocol.imap.commands.fetch import parse
from posthouse.protocol.imap.fetch import FetchPlan
from posthouse.protocol.imap.lexer import Lexer
from posthouse.protocol.imap.responses.fetch import END, gone_head, heads, row_sections, section_start
from posthouse.protocol.imap.responses.text import PLAIN_FLAGS, flag_columns, flags_text, internaldate, mailbox
from posthouse.protocol.imap.view import SelectedView
from posthouse.protocol.mime.prepared import encode, prepare

ROW = (b"Return-Path: <a@b>\r\n", encode(prepare(b"Subject: hi\r\nFrom: a@b.org\r\n\r\nbody")))


def plan(text: bytes) -> FetchPlan:
    return parse(Lexer(b" 1 " + text)).plan


def view() -> SelectedView:
    model, pool = MailboxModel(), Pool()
    for flags in (Flags(), Flags(SEEN, frozenset({"b", "a"})), Flags(16)):
        model.append(flags)
    columns = pool.adopt(ACCOUNT, NUMBER, Columns(model.contents()))
    return SelectedView(pool, ACCOUNT, model.mailbox(), columns, read_only=False)


def rendered(text: bytes, indexes: range | list[int]) -> list[bytes]:
    columns = view().columns
    seqnums, uids = [i + 1 for i in indexes], [columns.uids[i] for i in indexes]
    return [head + END for head in heads(plan(text), seqnums, uids, columns, indexes, [ROW] * len(indexes))]


def test_columns() -> None:
    assert rendered(b"(FLAGS UID)", range(3)) == [
        b"* 1 FETCH (UID 1 FLAGS ())\r\n",
        b"* 2 FETCH (UID 2 FLAGS (\\Seen a b))\r\n",
        b"* 3 FETCH (UID 3 FLAGS (\\Draft))\r\n",
    ]
    assert rendered(b"(MODSEQ RFC822.SIZE INTERNALDATE)", [2]) == [
        b'* 3 FETCH (INTERNALDATE "14-Nov-2023 22:13:23 +0000" RFC822.SIZE 103 MODSEQ (4))\r\n'
    ]
    assert rendered(b"UID", [0, 2]) == [b"* 1 FETCH (UID 1)\r\n", b"* 3 FETCH (UID 3)\r\n"]


def test_rows() -> None:
    (line,) = rendered(b"(ENVELOPE BODY BODYSTRUCTURE)", [0])
    assert line == (
        b'* 1 FETCH (ENVELOPE (NIL "hi" ((NIL NIL "a" "b.org")) ((NIL NIL "a" "b.org")) ((NIL NIL "a" "b.org"))'
        b' NIL NIL NIL NIL NIL) BODY ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 4 0)'
        b' BODYSTRUCTURE ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 4 0 NIL NIL NIL NIL))\r\n'
    )


def test_heads_leave_room_for_sections() -> None:
    columns = view().columns
    assert heads(plan(b"(UID BODY[])"), [1], [1], columns, [0]) == [b"* 1 FETCH (UID 1 "]
    assert heads(plan(b"BODY[]"), [1], [1], columns, [0]) == [b"* 1 FETCH ("]


def test_sections_from_the_row() -> None:
    sections = plan(b"(BODY[HEADER.FIELDS (Subject Return-Path)] BODY.PEEK[HEADER.FIELDS (To)])").sections
    assert row_sections(sections, ROW) == (
        b"BODY[HEADER.FIELDS (Subject Return-Path)] {35}\r\nReturn-Path: <a@b>\r\nSubject: hi\r\n\r\n"
        b" BODY[HEADER.FIELDS (To)] {2}\r\n\r\n)\r\n"
    )
    assert row_sections(plan(b"BODY[HEADER.FIELDS (X-Odd)]").sections, ROW) is None


def test_section_start() -> None:
    (item,) = plan(b"BODY[]<3.9>").sections
    assert section_start(item, 9) == b"BODY[]<3> {9}\r\n"
    assert section_start(item, None) == b"BODY[]<3> NIL"


def test_gone_messages_look_like_live_ones() -> None:
    seen = view()
    everything = plan(b"(UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ ENVELOPE BODY BODYSTRUCTURE)")
    live = heads(everything, [2], [2], seen.columns, [1], [ROW])
    assert [gone_head(everything, 2, 2, seen.columns.row(1), ROW)] == live


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, b" 1-Jan-1970 00:00:00 +0000"),
        (1709699400, b" 6-Mar-2024 04:30:00 +0000"),
        (-1, b"31-Dec-1969 23:59:59 +0000"),
        (10**15, b"31-Dec-9999 01:46:40 +0000"),
    ],
)
def test_internaldate(seconds: int, text: bytes) -> None:
    assert internaldate(seconds) == text


def test_flags_text() -> None:
    assert flags_text(0, frozenset()) == b""
    assert flags_text(31, frozenset({"z"})) == b"\\Seen \\Answered \\Flagged \\Deleted \\Draft z"
    assert flag_columns([1, 0], [frozenset(), frozenset({"k"})]) == [b"\\Seen", b"k"]
    assert len(PLAIN_FLAGS) == 32


def test_mailbox_names_are_quoted_in_utf7() -> None:
    assert mailbox('a"b\\c') == b'"a\\"b\\\\c"'
    assert mailbox("Entwürfe") == b'"Entw&APw-rfe"'
