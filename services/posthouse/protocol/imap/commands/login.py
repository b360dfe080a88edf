"""LOGIN (RFC 3501 §6.2.3)."""

from dataclasses import dataclass, field

from posthouse.protocol.imap.lexer import BadSyntax, Lexer


@dataclass(frozen=True, slots=True)
class Login:
    user: str
    password: str = field(repr=False)


def parse(lexer: Lexer) -> Login:
    lexer.space()
    user = lexer.astring()
    lexer.space()
    password = lexer.astring()
    try:
        return Login(user.decode("utf-8"), password.decode("utf-8"))
    except UnicodeDecodeError as e:
        raise BadSyntax("User name and password must be UTF-8") from e
