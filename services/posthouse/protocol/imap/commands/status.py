"""STATUS (RFC 3501 §6.3.10; HIGHESTMODSEQ of RFC 7162 §3.1.7, APPENDLIMIT of RFC 7889 §3)."""

from dataclasses import dataclass

from posthouse.protocol.imap.lexer import BadSyntax, Lexer

ITEMS = frozenset({"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "HIGHESTMODSEQ", "APPENDLIMIT"})


@dataclass(frozen=True, slots=True)
class Status:
    mailbox: str
    items: tuple[str, ...]


def parse(lexer: Lexer) -> Status:
    lexer.space()
    mailbox = lexer.mailbox()
    lexer.space()
    lexer.open()
    items: list[str] = []
    while True:
        item = lexer.keyword()
        if item not in ITEMS:
            raise BadSyntax("Unknown status item")
        if item not in items:
            items.append(item)
        if lexer.accept(b")"):
            return Status(mailbox, tuple(items))
        lexer.space()
