"""FETCH and UID FETCH (RFC 3501 §6.4.5) with CHANGEDSINCE and MODSEQ (RFC 7162 §3.1.4)."""

import re
from dataclasses import dataclass

from posthouse.protocol.imap.fetch import ALL, FAST, FULL, RFC822, FetchPlan, Item, SectionItem, section_item
from posthouse.protocol.imap.lexer import BadSyntax, Lexer
from posthouse.protocol.imap.limits import MAX_FETCH_ITEMS, MAX_HEADER_FIELDS
from posthouse.protocol.imap.sequence_set import SequenceSet
from posthouse.protocol.mime.sections import MAX_SECTION_DEPTH, Section, Text

_MACROS = {b"ALL": ALL, b"FAST": FAST, b"FULL": FULL}
_ITEMS = {
    b"UID": Item.UID,
    b"FLAGS": Item.FLAGS,
    b"INTERNALDATE": Item.INTERNALDATE,
    b"RFC822.SIZE": Item.SIZE,
    b"MODSEQ": Item.MODSEQ,
    b"ENVELOPE": Item.ENVELOPE,
    b"BODY": Item.BODY,
    b"BODYSTRUCTURE": Item.BODYSTRUCTURE,
}
# The part before a list of header fields, or the whole item where there is none.
_SECTION = re.compile(
    rb"BODY(\.PEEK)?\[([1-9]\d{0,9}(?:\.[1-9]\d{0,9})*)?(\.)?"
    rb"(HEADER\.FIELDS\.NOT|HEADER\.FIELDS|HEADER|TEXT|MIME)?(\](?:<(\d{1,10})\.([1-9]\d{0,9})>)?)?",
    re.IGNORECASE,
)
_AFTER_FIELDS = re.compile(rb"\](?:<(\d{1,10})\.([1-9]\d{0,9})>)?")
_FIELD_NAME = re.compile(rb"[!-9;-~]+")


@dataclass(frozen=True, slots=True)
class Fetch:
    sequence_set: SequenceSet
    plan: FetchPlan
    changed_since: int | None = None
    uid: bool = False


def parse(lexer: Lexer) -> Fetch:
    return _parse(lexer, uid=False)


def parse_uid(lexer: Lexer) -> Fetch:
    return _parse(lexer, uid=True)


def _parse(lexer: Lexer, *, uid: bool) -> Fetch:
    lexer.space()
    numbers = lexer.sequence_set()
    lexer.space()
    items: set[Item] = set()
    sections: dict[bytes, SectionItem] = {}
    if lexer.accept(b"("):
        count = 0
        while True:
            _item(lexer, items, sections)
            count += 1
            if count > MAX_FETCH_ITEMS:
                raise BadSyntax("Too many items")
            if lexer.accept(b")"):
                break
            lexer.space()
    else:
        macro = _MACROS.get(lexer.peek().upper())
        if macro is not None:
            lexer.word()
            items.update(macro)
        else:
            _item(lexer, items, sections)
    changed_since: int | None = None
    if not lexer.at_end():
        lexer.space()
        lexer.open()
        if lexer.keyword() != "CHANGEDSINCE":
            raise BadSyntax("Unknown modifier")
        lexer.space()
        changed_since = lexer.modseq()
        lexer.close()
        items.add(Item.MODSEQ)  # RFC 7162 §3.1.4.1
    if uid:
        items.add(Item.UID)  # RFC 3501 §6.4.8
    return Fetch(numbers, FetchPlan(frozenset(items), tuple(sections.values())), changed_since, uid)


def _item(lexer: Lexer, items: set[Item], sections: dict[bytes, SectionItem]) -> None:
    word = lexer.word()
    upper = word.upper()
    item = _ITEMS.get(upper)
    if item is not None:
        items.add(item)
        return
    wanted = RFC822.get(upper)
    if wanted is None:
        wanted = _section(lexer, word)
    before = sections.get(wanted.name)
    # Asked twice, once with and once without PEEK: one answer, and \Seen is set.
    if before is None or before.peek:
        sections[wanted.name] = wanted


def _section(lexer: Lexer, word: bytes) -> SectionItem:
    match = _SECTION.fullmatch(word)
    if match is None:
        raise BadSyntax("Unknown fetch item")
    peek, path, dot, text, closed, offset, length = match.groups()
    numbers = tuple(map(int, path.split(b"."))) if path else ()
    part = Text(text.decode("ascii").upper()) if text else Text.WHOLE
    if bool(dot) is not bool(path and text) or (part is Text.MIME and not path) or len(numbers) > MAX_SECTION_DEPTH:
        raise BadSyntax("Invalid section")
    fields: list[bytes] = []
    if part in (Text.FIELDS, Text.FIELDS_NOT):
        if closed:
            raise BadSyntax("Missing header fields")
        fields = _header_fields(lexer)
        after = _AFTER_FIELDS.fullmatch(lexer.word())
        if after is None:
            raise BadSyntax("Invalid section")
        offset, length = after.groups()
    elif not closed:
        raise BadSyntax("Invalid section")
    partial = (int(offset), int(length)) if length else None
    return section_item(Section(numbers, part, tuple(fields)), peek=bool(peek), partial=partial)


def _header_fields(lexer: Lexer) -> list[bytes]:
    lexer.space()
    lexer.open()
    fields: list[bytes] = []
    while True:
        name = lexer.astring()
        if not _FIELD_NAME.fullmatch(name):
            raise BadSyntax("Invalid header field name")
        fields.append(name)
        if len(fields) > MAX_HEADER_FIELDS:
            raise BadSyntax("Too many header fields")
        if lexer.accept(b")"):
            return fields
        lexer.space()
