"""FETCH items and how deep they look."""

import pytest

from posthouse.protocol.imap.commands.fetch import Fetch, parse, parse_uid
from posthouse.protocol.imap.fetch import ALL, FAST, FULL, Depth, FetchPlan, Item
from posthouse.protocol.imap.lexer import BadSyntax, Lexer
from posthouse.protocol.mime.sections import Section, Text


def fetch(text: bytes, *literals: bytes) -> Fetch:
    lexer = Lexer(b" 1 " + text, literals)
    command = parse(lexer)
    lexer.end()
    return command


@pytest.mark.parametrize(
    ("text", "items"),
    [
        (b"ALL", ALL),
        (b"fast", FAST),
        (b"FULL", FULL),
        (b"UID", {Item.UID}),
        (b"(UID FLAGS)", {Item.UID, Item.FLAGS}),
        (b"BODY", {Item.BODY}),
        (b"(BODYSTRUCTURE envelope modseq rfc822.size)", {Item.BODYSTRUCTURE, Item.ENVELOPE, Item.MODSEQ, Item.SIZE}),
    ],
)
def test_items(text: bytes, items: set[Item]) -> None:
    assert fetch(text).plan == FetchPlan(frozenset(items))


@pytest.mark.parametrize(
    ("text", "section", "name", "peek", "partial"),
    [
        (b"BODY[]", Section(), b"BODY[]", False, None),
        (b"body.peek[]<5.10>", Section(), b"BODY[]<5>", True, (5, 10)),
        (b"BODY[1.2.mime]", Section((1, 2), Text.MIME), b"BODY[1.2.MIME]", False, None),
        (b"BODY.PEEK[header]", Section(text=Text.HEADER), b"BODY[HEADER]", True, None),
        (b"BODY[4.1.TEXT]<0.1>", Section((4, 1), Text.TEXT), b"BODY[4.1.TEXT]<0>", False, (0, 1)),
        (
            b'BODY[HEADER.FIELDS (From "To")]',
            Section((), Text.FIELDS, (b"From", b"To")),
            b"BODY[HEADER.FIELDS (From To)]",
            False,
            None,
        ),
        (
            b"BODY.PEEK[2.HEADER.FIELDS.NOT (Received)]<1.2>",
            Section((2,), Text.FIELDS_NOT, (b"Received",)),
            b"BODY[2.HEADER.FIELDS.NOT (Received)]<1>",
            True,
            (1, 2),
        ),
        (b"RFC822", Section(), b"RFC822", False, None),
        (b"RFC822.HEADER", Section(text=Text.HEADER), b"RFC822.HEADER", True, None),
        (b"rfc822.text", Section(text=Text.TEXT), b"RFC822.TEXT", False, None),
    ],
)
def test_sections(text: bytes, section: Section, name: bytes, peek: bool, partial: tuple[int, int] | None) -> None:
    (item,) = fetch(text).plan.sections
    assert (item.section, item.name, item.peek, item.partial) == (section, name, peek, partial)


def test_header_fields_may_be_literals() -> None:
    (item,) = fetch(b"BODY[HEADER.FIELDS ({2}\n)]", b"To").plan.sections
    assert item.section.fields == (b"To",)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"()",
        b"(UID",
        b"(UID )",
        b"FOO",
        b"BODY[",
        b"BODY[]]",
        b"BODY[0]",
        b"BODY[1.]",
        b"BODY[1.0]",
        b"BODY[MIME]",
        b"BODY[.TEXT]",
        b"BODY[1TEXT]",
        b"BODY[]<1>",
        b"BODY[]<1.0>",
        b"BODY[]<.5>",
        b"BODY[HEADER.FIELDS]",
        b"BODY[HEADER.FIELDS ()]",
        b"BODY[HEADER.FIELDS (a:b)]",
        b"BODY[HEADER.FIELDS (From)",
        b"BODY[HEADER (From)]",
        b"BODY.PEEK",
        b"RFC822.PEEK",
        b"UID FLAGS",
        b"UID (FOO 1)",
        b"UID (CHANGEDSINCE)",
        b"UID (CHANGEDSINCE 1 VANISHED)",
        b"BODY[1" + b".1" * 100 + b"]",
        b"(" + b" ".join([b"UID"] * 201) + b")",
    ],
)
def test_refused(text: bytes) -> None:
    with pytest.raises(BadSyntax):
        fetch(text)


def test_depth() -> None:
    assert fetch(b"(UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ)").plan.depth is Depth.COLUMNS
    assert fetch(b"ENVELOPE").plan.depth is Depth.ROW
    assert fetch(b"BODY[HEADER.FIELDS (FROM SUBJECT)]").plan.depth is Depth.ROW
    assert fetch(b"BODY[HEADER.FIELDS (X-UNHEARD-OF)]").plan.depth is Depth.OCTETS
    assert fetch(b"BODY[HEADER.FIELDS (FROM)]<0.5>").plan.depth is Depth.OCTETS
    assert fetch(b"BODY[1.HEADER.FIELDS (FROM)]").plan.depth is Depth.OCTETS
    assert fetch(b"BODY[]").plan.depth is Depth.OCTETS


def test_seen_is_set_by_what_does_not_peek() -> None:
    assert fetch(b"BODY[]").plan.sets_seen
    assert fetch(b"RFC822.TEXT").plan.sets_seen
    assert fetch(b"BODY[HEADER]").plan.sets_seen
    assert not fetch(b"BODY.PEEK[]").plan.sets_seen
    assert not fetch(b"RFC822.HEADER").plan.sets_seen
    assert not fetch(b"(BODY ENVELOPE)").plan.sets_seen


def test_a_section_asked_twice_is_answered_once_and_sets_seen() -> None:
    plan = fetch(b"(BODY.PEEK[] BODY[] BODY.PEEK[])").plan
    assert [item.name for item in plan.sections] == [b"BODY[]"]
    assert plan.sets_seen


def test_changedsince_implies_modseq_and_uid_implies_uid() -> None:
    command = parse_uid(Lexer(b" 1:* (FLAGS) (CHANGEDSINCE 12345)"))
    assert command.changed_since == 12345
    assert command.plan.items == {Item.FLAGS, Item.MODSEQ, Item.UID}


def test_adding() -> None:
    plan = FetchPlan(frozenset({Item.UID}))
    assert plan.adding(Item.UID) is plan
    assert plan.adding(Item.FLAGS).items == {Item.UID, Item.FLAGS}
