"""IDLE (RFC 2177). The DONE that ends it is a line, not a command: session.py."""

from dataclasses import dataclass

from posthouse.protocol.imap.lexer import Lexer


@dataclass(frozen=True, slots=True)
class Idle:
    pass


def parse(lexer: Lexer) -> Idle:
    return Idle()
