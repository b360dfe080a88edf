"""CREATE (RFC 3501 §6.3.3) with USE (RFC 6154 §3)."""

from dataclasses import dataclass

from posthouse.protocol.imap.lexer import BadSyntax, Lexer

_MAX_USES = 8


@dataclass(frozen=True, slots=True)
class Create:
    mailbox: str
    """A trailing hierarchy separator, which only announces children (RFC 3501 §6.3.3), is cut off."""
    special_uses: tuple[str, ...] = ()
    """As written."""


def parse(lexer: Lexer) -> Create:
    lexer.space()
    mailbox = lexer.mailbox()
    uses: tuple[str, ...] = ()
    if not lexer.at_end():
        lexer.space()
        lexer.open()
        if lexer.keyword() != "USE":
            raise BadSyntax("Unknown parameter")
        lexer.space()
        uses = tuple(lexer.flag_list())
        if len(uses) > _MAX_USES:
            raise BadSyntax("Too many attributes")
        lexer.close()
    return Create(mailbox.removesuffix("/"), uses)
