"""ENABLE (RFC 5161)."""

from dataclasses import dataclass

from posthouse.protocol.imap.lexer import Lexer


@dataclass(frozen=True, slots=True)
class Enable:
    capabilities: tuple[str, ...]
    """In capitals, as asked for; unknown ones are to be ignored (RFC 5161 §3.1)."""


def parse(lexer: Lexer) -> Enable:
    names: list[str] = []
    while not names or not lexer.at_end():
        lexer.space()
        names.append(lexer.keyword())
    return Enable(tuple(names))
