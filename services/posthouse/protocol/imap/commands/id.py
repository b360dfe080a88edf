"""ID (RFC 2971): who the client says it is. Read for its grammar; nothing is decided by it."""

from dataclasses import dataclass

from posthouse.protocol.imap.lexer import BadSyntax, Lexer

MAX_FIELDS = 30  # RFC 2971 §3.3


@dataclass(frozen=True, slots=True)
class Id:
    fields: tuple[tuple[bytes, bytes | None], ...]


def parse(lexer: Lexer) -> Id:
    lexer.space()
    if lexer.peek().upper() == b"NIL":
        lexer.word()
        return Id(())
    lexer.open()
    fields: list[tuple[bytes, bytes | None]] = []
    while not lexer.accept(b")"):
        if fields:
            lexer.space()
        name = lexer.string()
        lexer.space()
        fields.append((name, lexer.nstring()))
        if len(fields) > MAX_FIELDS:
            raise BadSyntax("Too many fields")
    return Id(tuple(fields))
