"""NOOP (RFC 3501 §6.1.2)."""

from dataclasses import dataclass

from posthouse.protocol.imap.lexer import Lexer


@dataclass(frozen=True, slots=True)
class Noop:
    pass


def parse(lexer: Lexer) -> Noop:
    return Noop()
