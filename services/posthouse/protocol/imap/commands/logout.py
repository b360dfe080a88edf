"""LOGOUT (RFC 3501 §6.1.3)."""

from dataclasses import dataclass

from posthouse.protocol.imap.lexer import Lexer


@dataclass(frozen=True, slots=True)
class Logout:
    pass


def parse(lexer: Lexer) -> Logout:
    return Logout()
