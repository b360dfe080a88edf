"""LIST, LSUB, STATUS and the answer to SELECT."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from harness.mailbox_model import ACCOUNT, NUMBER, MailboxModel
from posthouse.model.flags import SEEN, Flags
from posthouse.model.ids import MailboxId, ModSeq
from posthouse.model.mailbox import Mailbox
from posthouse.protocol.imap.columns import Columns, Pool
from posthouse.protocol.imap.commands.list import Pattern
from posthouse.protocol.imap.responses.mailboxes import list_lines, selected, status_line
from posthouse.protocol.imap.responses.search import search_line
from posthouse.protocol.imap.view import SelectedView


def box(name: str, *, subscribed: bool = True, special_use: str = "") -> Mailbox:
    base = MailboxModel().mailbox()
    return replace(
        base, name=name, subscribed=subscribed, special_use=special_use, mailbox_id=MailboxId(uuid.UUID(int=9))
    )


BOXES = [
    box("INBOX"),
    box("Sent", special_use="\\Sent"),
    box("a", subscribed=False),
    box("a/b"),
    box("x/y/z"),
]


@pytest.mark.parametrize(
    ("pattern", "lines"),
    [
        (
            "*",
            [
                b'* LIST (\\HasNoChildren) "/" "INBOX"\r\n',
                b'* LIST (\\HasNoChildren \\Sent) "/" "Sent"\r\n',
                b'* LIST (\\HasChildren) "/" "a"\r\n',
                b'* LIST (\\HasNoChildren) "/" "a/b"\r\n',
                b'* LIST (\\Noselect \\HasChildren) "/" "x"\r\n',
                b'* LIST (\\Noselect \\HasChildren) "/" "x/y"\r\n',
                b'* LIST (\\HasNoChildren) "/" "x/y/z"\r\n',
            ],
        ),
        ("a/%", [b'* LIST (\\HasNoChildren) "/" "a/b"\r\n']),
        ("nothing", []),
    ],
)
def test_list(pattern: str, lines: list[bytes]) -> None:
    assert list_lines(BOXES, Pattern("", pattern), subscribed=False) == lines


def test_lsub_shows_parents_of_subscribed_names_to_percent() -> None:
    assert list_lines(BOXES, Pattern("", "%"), subscribed=True) == [
        b'* LSUB () "/" "INBOX"\r\n',
        b'* LSUB () "/" "Sent"\r\n',
        b'* LSUB (\\Noselect) "/" "a"\r\n',
        b'* LSUB (\\Noselect) "/" "x"\r\n',
    ]
    assert list_lines(BOXES, Pattern("", "*"), subscribed=True) == [
        b'* LSUB () "/" "INBOX"\r\n',
        b'* LSUB () "/" "Sent"\r\n',
        b'* LSUB () "/" "a/b"\r\n',
        b'* LSUB () "/" "x/y/z"\r\n',
    ]


def test_status() -> None:
    model = MailboxModel()
    model.append(Flags())
    model.append(Flags(SEEN))
    items = ("MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "HIGHESTMODSEQ", "APPENDLIMIT")
    assert status_line(model.mailbox(), items, 99) == (
        b'* STATUS "Work" (MESSAGES 2 RECENT 0 UIDNEXT 3 UIDVALIDITY 77 UNSEEN 1 HIGHESTMODSEQ 3 APPENDLIMIT 99)\r\n'
    )
    # RFC 7162 §3.1.7: never 0.
    untouched = replace(model.mailbox(), highest_modseq=ModSeq(0))
    assert status_line(untouched, ("HIGHESTMODSEQ",), 99) == b'* STATUS "Work" (HIGHESTMODSEQ 1)\r\n'


def test_selected() -> None:
    model, pool = MailboxModel(), Pool()
    model.append(Flags(SEEN))
    model.append(Flags(0, frozenset({"$X"})))
    columns = pool.adopt(ACCOUNT, NUMBER, Columns(model.contents()))
    view = SelectedView(pool, ACCOUNT, model.mailbox(), columns, read_only=False)
    assert selected(view, model.mailbox()) == (
        b"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $X)\r\n"
        b"* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $X \\*)] Flags permitted\r\n"
        b"* 2 EXISTS\r\n* 0 RECENT\r\n"
        b"* OK [UNSEEN 2] First unseen\r\n"
        b"* OK [UIDVALIDITY 77] UIDs valid\r\n"
        b"* OK [UIDNEXT 3] Predicted next UID\r\n"
        b"* OK [HIGHESTMODSEQ 3] Highest\r\n"
    )


def test_search_line() -> None:
    assert search_line([], None) == b"* SEARCH\r\n"
    assert search_line([2, 84], None) == b"* SEARCH 2 84\r\n"
    assert search_line([2], 917) == b"* SEARCH 2 (MODSEQ 917)\r\n"
    assert search_line([], 917) == b"* SEARCH\r\n"
