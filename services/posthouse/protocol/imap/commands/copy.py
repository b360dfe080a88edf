"""COPY and UID COPY (RFC 3501 §6.4.7), MOVE and UID MOVE (RFC 6851)."""

from dataclasses import dataclass

from posthouse.protocol.imap.lexer import Lexer
from posthouse.protocol.imap.sequence_set import SequenceSet


@dataclass(frozen=True, slots=True)
class Copy:
    sequence_set: SequenceSet
    mailbox: str
    uid: bool = False
    move: bool = False


def parse(lexer: Lexer) -> Copy:
    return _parse(lexer, uid=False, move=False)


def parse_uid(lexer: Lexer) -> Copy:
    return _parse(lexer, uid=True, move=False)


def parse_move(lexer: Lexer) -> Copy:
    return _parse(lexer, uid=False, move=True)


def parse_uid_move(lexer: Lexer) -> Copy:
    return _parse(lexer, uid=True, move=True)


def _parse(lexer: Lexer, *, uid: bool, move: bool) -> Copy:
    lexer.space()
    numbers = lexer.sequence_set()
    lexer.space()
    return Copy(numbers, lexer.mailbox(), uid, move)
