"""Flags as a client writes them (RFC 3501 §2.3.2), made into the model's. Shared by APPEND and STORE."""

from collections.abc import Sequence

from posthouse.model.flags import MAX_KEYWORD_LENGTH, MAX_KEYWORDS_PER_MESSAGE, SYSTEM_BITS, Flags
from posthouse.protocol.imap.lexer import BadSyntax


def client_flags(names: Sequence[str], known: dict[str, str] | None = None) -> Flags:
    """BadSyntax for a system flag that does not exist and above the limits.

    \\Recent is dropped without a word: RFC 3501 §2.3.2 forbids to set it, and old clients send back what they saw."""
    sys = 0
    keywords: dict[str, str] = {}
    for name in names:
        lower = name.lower()
        if name[0] == "\\":
            bit = SYSTEM_BITS.get(lower)
            if bit is not None:
                sys |= bit
            elif lower != "\\recent":
                raise BadSyntax("Unknown system flag")
        else:
            if len(name) > MAX_KEYWORD_LENGTH:
                raise BadSyntax("Keyword too long")
            # Keywords are one whatever their case (RFC 9051 §2.3.2): the first spelling of a mailbox stays.
            keywords.setdefault(lower, known.get(lower, name) if known else name)
    if len(keywords) > MAX_KEYWORDS_PER_MESSAGE:
        raise BadSyntax("Too many keywords")
    return Flags(sys, frozenset(keywords.values()))
