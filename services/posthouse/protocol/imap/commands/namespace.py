"""NAMESPACE (RFC 2342)."""

from dataclasses import dataclass

from posthouse.protocol.imap.lexer import Lexer


@dataclass(frozen=True, slots=True)
class Namespace:
    pass


def parse(lexer: Lexer) -> Namespace:
    return Namespace()
