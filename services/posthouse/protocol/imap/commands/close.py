"""CLOSE (RFC 3501 §6.4.2)."""

from dataclasses import dataclass

from posthouse.protocol.imap.lexer import Lexer


@dataclass(frozen=True, slots=True)
class Close:
    pass


def parse(lexer: Lexer) -> Close:
    return Close()
