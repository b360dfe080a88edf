"""STORE and UID STORE (RFC 3501 §6.4.6) with UNCHANGEDSINCE (RFC 7162 §3.1.3)."""

from dataclasses import dataclass

from posthouse.model.change import FlagMode
from posthouse.protocol.imap.lexer import BadSyntax, Lexer
from posthouse.protocol.imap.sequence_set import SequenceSet

_MODES = {
    b"FLAGS": (FlagMode.REPLACE, False),
    b"FLAGS.SILENT": (FlagMode.REPLACE, True),
    b"+FLAGS": (FlagMode.ADD, False),
    b"+FLAGS.SILENT": (FlagMode.ADD, True),
    b"-FLAGS": (FlagMode.REMOVE, False),
    b"-FLAGS.SILENT": (FlagMode.REMOVE, True),
}


@dataclass(frozen=True, slots=True)
class Store:
    sequence_set: SequenceSet
    mode: FlagMode
    silent: bool
    flags: tuple[str, ...]
    """As written; `commands.flags.client_flags` makes flags of them, knowing the mailbox's keywords."""
    unchanged_since: int | None = None
    uid: bool = False


def parse(lexer: Lexer) -> Store:
    return _parse(lexer, uid=False)


def parse_uid(lexer: Lexer) -> Store:
    return _parse(lexer, uid=True)


def _parse(lexer: Lexer, *, uid: bool) -> Store:
    lexer.space()
    numbers = lexer.sequence_set()
    lexer.space()
    unchanged_since: int | None = None
    if lexer.accept(b"("):
        if lexer.keyword() != "UNCHANGEDSINCE":
            raise BadSyntax("Unknown modifier")
        lexer.space()
        unchanged_since = lexer.modseq()
        lexer.close()
        lexer.space()
    mode = _MODES.get(lexer.word().upper())
    if mode is None:
        raise BadSyntax("Unknown store item")
    lexer.space()
    if lexer.peek() == b"(":
        flags = lexer.flag_list()
    else:
        flags = [lexer.flag()]
        while not lexer.at_end():
            lexer.space()
            flags.append(lexer.flag())
    return Store(numbers, mode[0], mode[1], tuple(flags), unchanged_since, uid)
