"""RENAME (RFC 3501 §6.3.5)."""

from dataclasses import dataclass

from posthouse.protocol.imap.lexer import Lexer


@dataclass(frozen=True, slots=True)
class Rename:
    mailbox: str
    new_name: str


def parse(lexer: Lexer) -> Rename:
    lexer.space()
    mailbox = lexer.mailbox()
    lexer.space()
    return Rename(mailbox, lexer.mailbox().removesuffix("/"))
