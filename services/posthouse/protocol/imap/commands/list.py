"""LIST and LSUB (RFC 3501 §6.3.8, §6.3.9), and which names a pattern means."""

from dataclasses import dataclass

from posthouse.model.mailbox import INBOX, SEPARATOR
from posthouse.protocol.imap.lexer import BadSyntax, Lexer
from posthouse.protocol.imap.limits import MAX_PATTERN


@dataclass(frozen=True, slots=True)
class List:
    reference: str
    pattern: str
    subscribed: bool = False
    """LSUB."""


def parse_list(lexer: Lexer) -> List:
    return _parse(lexer, subscribed=False)


def parse_lsub(lexer: Lexer) -> List:
    return _parse(lexer, subscribed=True)


def _parse(lexer: Lexer, *, subscribed: bool) -> List:
    lexer.space()
    reference = lexer.mailbox()
    lexer.space()
    pattern = lexer.list_pattern()
    if len(reference) + len(pattern) > MAX_PATTERN:
        raise BadSyntax("Pattern too long")
    return List(reference, pattern, subscribed)


class Pattern:
    """Which names a LIST pattern means (RFC 3501 §6.3.8): `*` is anything, `%` anything but the separator.

    All ways to match are followed at once, one bit each (a Shift-And automaton with gaps), so that no pattern costs
    more than one step per character of the name; a backtracking expression could be made to run for hours."""

    __slots__ = ("_accept", "_chars", "_level", "_star")

    def __init__(self, reference: str, pattern: str) -> None:
        full = reference + pattern
        if full[:5].upper() == INBOX and (len(full) == 5 or full[5] in "/*%"):
            full = INBOX + full[5:]
        # Bit i: the first i literal characters are matched. A gap may follow them.
        self._chars: dict[str, int] = {}
        self._star = self._level = 0
        bit = 1
        for char in full:
            if char == "*":
                self._star |= bit
            elif char == "%":
                self._level |= bit
            else:
                self._chars[char] = self._chars.get(char, 0) | bit
                bit <<= 1
        self._accept = bit

    def matches(self, name: str) -> bool:
        states, star, level, chars = 1, self._star, self._level | self._star, self._chars.get
        for char in name:
            stay = star if char == SEPARATOR else level
            states = ((states & chars(char, 0)) << 1) | (states & stay)
            if not states:
                return False
        return bool(states & self._accept)
