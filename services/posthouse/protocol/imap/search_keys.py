"""The keys of SEARCH (RFC 3501 §6.4.4; MODSEQ of RFC 7162 §3.1.5) as frozen values.

Depth says how far a key has to look: the view's columns, the prepared row, or the octets (fetch.Depth)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from posthouse.protocol.imap.fetch import Depth
from posthouse.protocol.imap.sequence_set import SequenceSet
from posthouse.protocol.mime.cached_fields import NUMBERS
from posthouse.protocol.mime.prepared import Value


class Compare(Enum):
    """How a day relates to the one asked for."""

    BEFORE = "before"
    ON = "on"
    SINCE = "since"


@dataclass(frozen=True, slots=True)
class Everything:
    """ALL, OLD (nothing is ever \\Recent here)."""

    depth = Depth.COLUMNS


@dataclass(frozen=True, slots=True)
class Nothing:
    """RECENT, NEW."""

    depth = Depth.COLUMNS


@dataclass(frozen=True, slots=True)
class SystemFlag:
    bit: int
    present: bool
    depth = Depth.COLUMNS


@dataclass(frozen=True, slots=True)
class Keyword:
    lower: str
    present: bool
    depth = Depth.COLUMNS


@dataclass(frozen=True, slots=True)
class Numbers:
    """A sequence set, of sequence numbers or UIDs."""

    sequence_set: SequenceSet
    uid: bool
    depth = Depth.COLUMNS


@dataclass(frozen=True, slots=True)
class Received:
    """INTERNALDATE, by whole days in UTC (its zone here). `day` = days since 1970-01-01."""

    compare: Compare
    day: int
    depth = Depth.COLUMNS


@dataclass(frozen=True, slots=True)
class Size:
    larger: bool
    octets: int
    depth = Depth.COLUMNS


@dataclass(frozen=True, slots=True)
class ModSeqAtLeast:
    modseq: int
    depth = Depth.COLUMNS


@dataclass(frozen=True, slots=True)
class Sent:
    """The Date field, by the day it names, its zone disregarded (RFC 3501 §6.4.4)."""

    compare: Compare
    day: int
    depth = Depth.ROW


@dataclass(frozen=True, slots=True)
class HeaderValue:
    """SUBJECT, FROM, TO, CC, BCC: a value that each row keeps."""

    value: Value
    text: str
    """Folded for comparison."""
    depth = Depth.ROW


@dataclass(frozen=True, slots=True)
class Header:
    name: bytes
    """Lower case."""
    text: str
    """Folded; empty = the field is there at all."""

    @property
    def depth(self) -> Depth:
        return Depth.ROW if self.name in NUMBERS else Depth.OCTETS


@dataclass(frozen=True, slots=True)
class Body:
    text: str
    header: bool
    """TEXT: the header is searched too."""
    depth = Depth.OCTETS


@dataclass(frozen=True, slots=True)
class Not:
    key: Key

    @property
    def depth(self) -> Depth:
        return self.key.depth


@dataclass(frozen=True, slots=True)
class Or:
    left: Key
    right: Key

    @property
    def depth(self) -> Depth:
        return max(self.left.depth, self.right.depth)


@dataclass(frozen=True, slots=True)
class And:
    keys: tuple[Key, ...]

    @property
    def depth(self) -> Depth:
        return max((key.depth for key in self.keys), default=Depth.COLUMNS)


Key = (
    Everything
    | Nothing
    | SystemFlag
    | Keyword
    | Numbers
    | Received
    | Size
    | ModSeqAtLeast
    | Sent
    | HeaderValue
    | Header
    | Body
    | Not
    | Or
    | And
)


def folded(text: str) -> str:
    """RFC 3501 §6.4.4 asks for case-insensitive substrings; casefold does that beyond ASCII too."""
    return text.casefold()
