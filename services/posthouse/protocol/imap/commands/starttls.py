"""STARTTLS (RFC 3501 §6.2.1)."""

from dataclasses import dataclass

from posthouse.protocol.imap.lexer import Lexer


@dataclass(frozen=True, slots=True)
class StartTls:
    pass


def parse(lexer: Lexer) -> StartTls:
    return StartTls()
