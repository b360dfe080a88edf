"""CHECK (RFC 3501 §6.4.1)."""

from dataclasses import dataclass

from posthouse.protocol.imap.lexer import Lexer


@dataclass(frozen=True, slots=True)
class Check:
    pass


def parse(lexer: Lexer) -> Check:
    return Check()
