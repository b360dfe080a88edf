"""UNSELECT (RFC 3691): CLOSE without the expunge."""

from dataclasses import dataclass

from posthouse.protocol.imap.lexer import Lexer


@dataclass(frozen=True, slots=True)
class Unselect:
    pass


def parse(lexer: Lexer) -> Unselect:
    return Unselect()
