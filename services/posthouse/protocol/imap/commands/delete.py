"""DELETE (RFC 3501 §6.3.4)."""

from dataclasses import dataclass

from posthouse.protocol.imap.lexer import Lexer


@dataclass(frozen=True, slots=True)
class Delete:
    mailbox: str


def parse(lexer: Lexer) -> Delete:
    lexer.space()
    return Delete(lexer.mailbox())
