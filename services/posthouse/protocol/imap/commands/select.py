"""SELECT and EXAMINE (RFC 3501 §6.3.1, §6.3.2) with the CONDSTORE parameter (RFC 7162 §3.1.8)."""

from dataclasses import dataclass

from posthouse.protocol.imap.lexer import BadSyntax, Lexer


@dataclass(frozen=True, slots=True)
class Select:
    mailbox: str
    read_only: bool = False
    condstore: bool = False


def parse_select(lexer: Lexer) -> Select:
    return _parse(lexer, read_only=False)


def parse_examine(lexer: Lexer) -> Select:
    return _parse(lexer, read_only=True)


def _parse(lexer: Lexer, *, read_only: bool) -> Select:
    lexer.space()
    mailbox = lexer.mailbox()
    condstore = False
    if not lexer.at_end():
        lexer.space()
        lexer.open()
        while True:
            if lexer.keyword() != "CONDSTORE":
                raise BadSyntax("Unknown parameter")
            condstore = True
            if lexer.accept(b")"):
                break
            lexer.space()
    return Select(mailbox, read_only, condstore)
