"""CAPABILITY (RFC 3501 §6.1.1)."""

from dataclasses import dataclass

from posthouse.protocol.imap.lexer import Lexer


@dataclass(frozen=True, slots=True)
class Capability:
    pass


def parse(lexer: Lexer) -> Capability:
    return Capability()
