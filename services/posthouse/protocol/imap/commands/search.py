"""SEARCH and UID SEARCH (RFC 3501 §6.4.4), its keys made values of search_keys."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from posthouse.model.flags import ANSWERED, DELETED, DRAFT, FLAGGED, SEEN
from posthouse.protocol.imap import search_keys as k
from posthouse.protocol.imap.lexer import BadSyntax, Lexer
from posthouse.protocol.imap.limits import MAX_DEPTH, MAX_SEARCH_KEYS
from posthouse.protocol.mime.prepared import Value

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DATE = re.compile(rb"(\d{1,2})-([A-Za-z]{3})-(\d{4})")
_NUMBERS = re.compile(rb"[\d*][\d*:,]*")
_CHARSETS = {"US-ASCII": "ascii", "UTF-8": "utf-8"}
_EPOCH = date(1970, 1, 1).toordinal()


class BadCharset(Exception):
    """Answer NO [BADCHARSET (…)] (RFC 3501 §6.4.4)."""


@dataclass(frozen=True, slots=True)
class Search:
    key: k.Key
    uid: bool = False
    modseq: bool = False
    """A MODSEQ key was given: CONDSTORE is enabled by it, and the answer carries the highest mod-sequence."""


def parse(lexer: Lexer) -> Search:
    return _Parser(lexer).search(uid=False)


def parse_uid(lexer: Lexer) -> Search:
    return _Parser(lexer).search(uid=True)


_FLAGS: dict[str, k.Key] = {
    "ALL": k.Everything(),
    "OLD": k.Everything(),
    "NEW": k.Nothing(),
    "RECENT": k.Nothing(),
    "ANSWERED": k.SystemFlag(ANSWERED, True),
    "UNANSWERED": k.SystemFlag(ANSWERED, False),
    "DELETED": k.SystemFlag(DELETED, True),
    "UNDELETED": k.SystemFlag(DELETED, False),
    "DRAFT": k.SystemFlag(DRAFT, True),
    "UNDRAFT": k.SystemFlag(DRAFT, False),
    "FLAGGED": k.SystemFlag(FLAGGED, True),
    "UNFLAGGED": k.SystemFlag(FLAGGED, False),
    "SEEN": k.SystemFlag(SEEN, True),
    "UNSEEN": k.SystemFlag(SEEN, False),
}
_VALUES = {"SUBJECT": Value.SUBJECT, "FROM": Value.FROM, "TO": Value.TO, "CC": Value.CC, "BCC": Value.BCC}
_RECEIVED = {"BEFORE": k.Compare.BEFORE, "ON": k.Compare.ON, "SINCE": k.Compare.SINCE}
_SENT = {"SENTBEFORE": k.Compare.BEFORE, "SENTON": k.Compare.ON, "SENTSINCE": k.Compare.SINCE}


class _Parser:
    __slots__ = ("_charset", "_count", "_lexer", "_modseq")

    def __init__(self, lexer: Lexer) -> None:
        self._lexer = lexer
        self._charset = "utf-8"
        self._count = 0
        self._modseq = False

    def search(self, *, uid: bool) -> Search:
        lexer = self._lexer
        lexer.space()
        if lexer.peek().upper() == b"CHARSET":
            lexer.word()
            lexer.space()
            charset = lexer.astring().decode("ascii", "replace").upper()
            if charset not in _CHARSETS:
                raise BadCharset(charset)
            self._charset = _CHARSETS[charset]
            lexer.space()
        keys = [self.key(0)]
        while not lexer.at_end():
            lexer.space()
            keys.append(self.key(0))
        return Search(keys[0] if len(keys) == 1 else k.And(tuple(keys)), uid, self._modseq)

    def key(self, depth: int) -> k.Key:
        self._count += 1
        if depth > MAX_DEPTH or self._count > MAX_SEARCH_KEYS:
            raise BadSyntax("Search too complex")
        lexer = self._lexer
        if lexer.accept(b"("):
            keys = [self.key(depth + 1)]
            while not lexer.accept(b")"):
                lexer.space()
                keys.append(self.key(depth + 1))
            return keys[0] if len(keys) == 1 else k.And(tuple(keys))
        if _NUMBERS.fullmatch(lexer.peek()):
            return k.Numbers(lexer.sequence_set(), uid=False)
        name = lexer.keyword()
        flag = _FLAGS.get(name)
        if flag is not None:
            return flag
        if name == "NOT":
            lexer.space()
            return k.Not(self.key(depth + 1))
        if name == "OR":
            lexer.space()
            left = self.key(depth + 1)
            lexer.space()
            return k.Or(left, self.key(depth + 1))
        argument = _ARGUMENTS.get(name)
        if argument is None:
            raise BadSyntax("Unknown search key")
        lexer.space()
        return argument(self, name)

    def received(self, name: str) -> k.Key:
        return k.Received(_RECEIVED[name], self.day())

    def sent(self, name: str) -> k.Key:
        return k.Sent(_SENT[name], self.day())

    def value(self, name: str) -> k.Key:
        return k.HeaderValue(_VALUES[name], self.text())

    def header(self, name: str) -> k.Key:
        field = self._lexer.astring().lower()
        if not field or not field.isascii():
            raise BadSyntax("Invalid header field name")
        self._lexer.space()
        return k.Header(field, self.text())

    def body(self, name: str) -> k.Key:
        return k.Body(self.text(), header=name == "TEXT")

    def keyword(self, name: str) -> k.Key:
        return k.Keyword(self._lexer.atom().decode("ascii").lower(), name == "KEYWORD")

    def size(self, name: str) -> k.Key:
        return k.Size(name == "LARGER", self._lexer.number())

    def uid(self, name: str) -> k.Key:
        return k.Numbers(self._lexer.sequence_set(), uid=True)

    def modseq(self, name: str) -> k.Key:
        lexer = self._lexer
        self._modseq = True
        if lexer.is_string():
            # RFC 7162 §3.1.5: an entry of the metadata of one flag. We keep one mod-sequence per message, which the
            # RFC allows: name and type are read and make no difference.
            lexer.string()
            lexer.space()
            if lexer.keyword() not in ("PRIV", "SHARED", "ALL"):
                raise BadSyntax("Unknown entry type")
            lexer.space()
        return k.ModSeqAtLeast(lexer.modseq())

    def text(self) -> str:
        raw = self._lexer.astring()
        try:
            return k.folded(raw.decode(self._charset))
        except UnicodeDecodeError as e:
            raise BadSyntax("Search string is not in its charset") from e

    def day(self) -> int:
        match = _DATE.fullmatch(self._lexer.astring())
        if match is None:
            raise BadSyntax("Not a date")
        month = match[2].decode("ascii").upper()
        if month not in _MONTHS:
            raise BadSyntax("Not a date")
        try:
            return date(int(match[3]), _MONTHS.index(month) + 1, int(match[1])).toordinal() - _EPOCH
        except ValueError as e:
            raise BadSyntax("Not a date") from e


_ARGUMENTS: dict[str, Callable[[_Parser, str], k.Key]] = {
    **dict.fromkeys(_RECEIVED, _Parser.received),
    **dict.fromkeys(_SENT, _Parser.sent),
    **dict.fromkeys(_VALUES, _Parser.value),
    "HEADER": _Parser.header,
    "BODY": _Parser.body,
    "TEXT": _Parser.body,
    "KEYWORD": _Parser.keyword,
    "UNKEYWORD": _Parser.keyword,
    "LARGER": _Parser.size,
    "SMALLER": _Parser.size,
    "UID": _Parser.uid,
    "MODSEQ": _Parser.modseq,
}
