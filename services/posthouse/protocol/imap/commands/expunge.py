"""EXPUNGE (RFC 3501 §6.4.3) and UID EXPUNGE (RFC 4315 §2.1)."""

from dataclasses import dataclass

from posthouse.protocol.imap.lexer import Lexer
from posthouse.protocol.imap.sequence_set import SequenceSet


@dataclass(frozen=True, slots=True)
class Expunge:
    uids: SequenceSet | None = None
    """None = all that carry \\Deleted."""


def parse(lexer: Lexer) -> Expunge:
    return Expunge()


def parse_uid(lexer: Lexer) -> Expunge:
    lexer.space()
    return Expunge(lexer.sequence_set())
