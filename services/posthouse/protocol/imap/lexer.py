"""The tokens of one command (RFC 3501 §9), split by one regular expression in one call.

A command arrives as text in which each literal is replaced by its announcement `{n}` and one line feed (reader.py), and
the literals beside it. No other line feed can occur in the text, so no quoted string can swallow an announcement.
Tokens are: space, parentheses, quoted strings, announcements, and *words* (everything else up to one of these); which
characters a word may hold depends on where it stands, so the reader of it checks.

Every failure is `BadSyntax` with a text for the client. Nothing else is raised, whatever the octets.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from posthouse.protocol.imap.sequence_set import SequenceSet, parse_sequence_set
from posthouse.protocol.imap.utf7 import NotUtf7, decode_utf7

_TOKENS = re.compile(rb'[ ()]|"(?:[^"\\\r\n\x00]|\\["\\])*"|\{\d+\+?\}\n|[^ (){"\x00-\x1f\x7f]+|.', re.DOTALL)
_ATOM = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\\]]+")
_ASTRING_ATOM = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\]+")
_LIST_ATOM = re.compile(rb"[^\x00-\x20\x7f-\xff(){\"\\]+")
_FLAG = re.compile(rb"\\?[^\x00-\x20\x7f-\xff(){%*\"\\\]]+")
_NUMBER = re.compile(rb"\d{1,19}")
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_SPECIAL = frozenset(b' ()"{')

MAX_MODSEQ = (1 << 63) - 1  # RFC 7162 §7: 63 bits


class BadSyntax(Exception):
    """The command is not well formed: answer BAD with this text. Only fixed words, never what the client sent."""


class Lexer:
    """A cursor over the tokens of one command."""

    __slots__ = ("_at", "_literal", "_literals", "_tokens")

    def __init__(self, text: bytes, literals: Sequence[bytes] = ()) -> None:
        self._tokens: list[bytes] = _TOKENS.findall(text)
        self._tokens.append(b"")
        self._literals = literals
        self._at = 0
        self._literal = 0

    def peek(self) -> bytes:
        """The next token as it stands on the wire; empty at the end."""
        return self._tokens[self._at]

    def at_end(self) -> bool:
        return not self._tokens[self._at]

    def end(self) -> None:
        if self._tokens[self._at]:
            raise BadSyntax("Unexpected arguments")

    def accept(self, token: bytes) -> bool:
        """Takes the next token if it is exactly this one."""
        if self._tokens[self._at] == token:
            self._at += 1
            return True
        return False

    def space(self) -> None:
        if self._tokens[self._at] != b" ":
            raise BadSyntax("Missing argument" if not self._tokens[self._at] else "Expected a space")
        self._at += 1

    def open(self) -> None:
        if self._tokens[self._at] != b"(":
            raise BadSyntax("Expected (")
        self._at += 1

    def close(self) -> None:
        if self._tokens[self._at] != b")":
            raise BadSyntax("Expected )")
        self._at += 1

    def word(self) -> bytes:
        """Characters up to the next space, parenthesis or string; the caller checks which they are."""
        token = self._tokens[self._at]
        if not token or token[0] in _SPECIAL or token[0] < 0x20 or token[0] == 0x7F:
            raise BadSyntax("Missing argument" if not token else "Expected a word")
        self._at += 1
        return token

    def atom(self) -> bytes:
        token = self.word()
        if not _ATOM.fullmatch(token):
            raise BadSyntax("Not an atom")
        return token

    def keyword(self) -> str:
        """An atom in capitals, as names in the grammar are compared."""
        return self.atom().decode("ascii").upper()

    def is_string(self) -> bool:
        return self._tokens[self._at][:1] in (b'"', b"{")

    def string(self) -> bytes:
        """quoted or literal."""
        token = self._tokens[self._at]
        if token[:1] == b'"' and len(token) > 1:
            self._at += 1
            inner = token[1:-1]
            return _ESCAPED.sub(rb"\1", inner) if b"\\" in inner else inner
        if token[:1] == b"{" and len(token) > 1:
            if self._literal >= len(self._literals):
                raise BadSyntax("Literal without content")
            self._at += 1
            self._literal += 1
            return self._literals[self._literal - 1]
        raise BadSyntax("Missing argument" if not token else "Expected a string")

    def nstring(self) -> bytes | None:
        token = self._tokens[self._at]
        if token.upper() == b"NIL":
            self._at += 1
            return None
        return self.string()

    def astring(self) -> bytes:
        token = self._tokens[self._at]
        if token[:1] in (b'"', b"{"):
            return self.string()
        token = self.word()
        if not _ASTRING_ATOM.fullmatch(token):
            raise BadSyntax("Not an astring")
        return token

    def number(self, maximum: int = 0xFFFFFFFF) -> int:
        token = self.word()
        if not _NUMBER.fullmatch(token) or (n := int(token)) > maximum:
            raise BadSyntax("Not a number")
        return n

    def modseq(self) -> int:
        """mod-sequence-valzer (RFC 7162 §7)."""
        return self.number(MAX_MODSEQ)

    def mailbox(self) -> str:
        """A mailbox name: UTF-8 inside, INBOX in capitals whatever the case on the wire (RFC 3501 §5.1)."""
        return mailbox_name(self.astring())

    def list_pattern(self) -> str:
        token = self._tokens[self._at]
        if token[:1] in (b'"', b"{"):
            raw = self.string()
        else:
            raw = self.word()
            if not _LIST_ATOM.fullmatch(raw):
                raise BadSyntax("Not a mailbox pattern")
        return _decode_name(raw)

    def sequence_set(self) -> SequenceSet:
        try:
            return parse_sequence_set(self.word())
        except ValueError as e:
            raise BadSyntax("Not a sequence set") from e

    def flag(self) -> str:
        token = self.word()
        if not _FLAG.fullmatch(token):
            raise BadSyntax("Not a flag")
        return token.decode("ascii")

    def flag_list(self) -> list[str]:
        """`(flag flag…)`, possibly empty."""
        self.open()
        flags: list[str] = []
        if self.accept(b")"):
            return flags
        while True:
            flags.append(self.flag())
            if self.accept(b")"):
                return flags
            self.space()

    def rest(self) -> bytes:
        """All text that is left, announcements as they stand. For the verbs that take free text."""
        text = b"".join(self._tokens[self._at :])
        self._at = len(self._tokens) - 1
        return text


def mailbox_name(raw: bytes) -> str:
    name = _decode_name(raw)
    if name[:5].upper() == "INBOX" and (len(name) == 5 or name[5] == "/"):
        return "INBOX" + name[5:]
    return name


def _decode_name(raw: bytes) -> str:
    try:
        name = decode_utf7(raw)
        # RFC 5198 §3, as RFC 9051 §5.1 asks: a name that looks the same is the same, however the client composed it.
        return name if name.isascii() else unicodedata.normalize("NFC", name)
    except NotUtf7 as e:
        raise BadSyntax("Mailbox name is not modified UTF-7") from e
