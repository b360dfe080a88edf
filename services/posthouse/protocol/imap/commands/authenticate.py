"""AUTHENTICATE (RFC 3501 §6.2.2), initial response of SASL-IR (RFC 4959). The mechanisms are in protocol.sasl."""

import re
from dataclasses import dataclass, field

from posthouse.protocol.imap.lexer import BadSyntax, Lexer
from posthouse.protocol.sasl import Malformed, decode

_MECHANISM = re.compile(rb"[A-Za-z0-9_-]{1,20}")


@dataclass(frozen=True, slots=True)
class Authenticate:
    mechanism: str
    initial: bytes | None = field(default=None, repr=False)
    """Decoded initial response; None = the client waits for a challenge."""


def parse(lexer: Lexer) -> Authenticate:
    lexer.space()
    mechanism = lexer.word()
    if not _MECHANISM.fullmatch(mechanism):
        raise BadSyntax("Not a mechanism")
    initial: bytes | None = None
    if not lexer.at_end():
        lexer.space()
        try:
            initial = decode(lexer.word())
        except Malformed as e:
            raise BadSyntax("Invalid base64") from e
    return Authenticate(mechanism.decode("ascii").upper(), initial)
