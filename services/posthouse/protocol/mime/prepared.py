"""The row prepared at delivery: all that FETCH and SEARCH answer without the message.

`prepare` scans once and renders; `encode` packs the result behind a fixed header of offsets, so that one answer is one
unpack and one slice (`envelope_of(row)` and its kin), whatever else the row holds. Offsets in the section table are the
blob's; the account's prefix is added at read (sections.resolve, header_fields_of).

The layout is stored: its first octet is the version, and a change of anything below is a new version that still reads
the old. Version 1, little-endian:

    version u8 · flags u8 (1 header read whole, 2 has date) · zone i16 (minutes) ·
    ends u32 x 7 (envelope, body, bodystructure, outline, field index, field lines, extra values) ·
    header length u32 · size u64 · date i64 · (offset u32, length u32) x 8, one per Value, length 2^32-1 for absent
    then the seven pieces in that order
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from posthouse.protocol.mime import outline
from posthouse.protocol.mime.bodystructure import both
from posthouse.protocol.mime.cached_fields import NUMBERS
from posthouse.protocol.mime.dates import SentDate, parse_date
from posthouse.protocol.mime.envelope import envelope
from posthouse.protocol.mime.header import MAX_HEADER, Headers, holds_any, select_fields
from posthouse.protocol.mime.outline import Outline
from posthouse.protocol.mime.scan import opaque, scan
from posthouse.protocol.mime.sections import Section, Text

VERSION = 1
MAX_STRUCTURE = 1_048_576
"""Octets of BODYSTRUCTURE in a row; a message whose structure is longer is shown as one opaque part."""

_FIXED = struct.Struct("<BBh7IIQq16I")
_PAIR = struct.Struct("<II")
_DATE = struct.Struct("<q")
_ZONE = struct.Struct("<h")
_INDEX = struct.Struct("<BH")
_DATE_AT = 44
_VALUES_AT = 52
_ABSENT = 0xFFFF_FFFF
_WHOLE_HEADER, _HAS_DATE = 1, 2


class RowVersionError(ValueError):
    """The row was written in a layout that this release does not know."""


class Value(IntEnum):
    """Header values that SEARCH, SORT and THREAD read; the number is the place in the row."""

    SUBJECT = 0
    FROM = 1
    TO = 2
    CC = 3
    BCC = 4
    MESSAGE_ID = 5
    IN_REPLY_TO = 6
    REFERENCES = 7


_VALUE_NAMES = (b"subject", b"from", b"to", b"cc", b"bcc", b"message-id", b"in-reply-to", b"references")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is known of one message; `encode` and `decode` are each other's inverse."""

    envelope: bytes
    """As FETCH sends it, parentheses included."""
    body: bytes
    bodystructure: bytes
    outline: Outline
    header_length: int
    """Octets of the blob's header, blank line included."""
    size: int
    """Octets of the blob; RFC822.SIZE is this plus the prefix."""
    date: SentDate | None
    header_whole: bool
    """False when the header is longer than MAX_HEADER: then only the blob can answer HEADER.FIELDS."""
    index: bytes
    """(number of the name u8, length u16) for each kept field, in order; a longer field has several entries."""
    lines: bytes
    """The fields of cached_fields as they stand."""
    values: tuple[bytes | None, ...]
    """Per Value: unfolded, several fields joined with ", ", None when absent. Encoded words stay."""


def prepare(octets: bytes | memoryview) -> Prepared:
    """Everything about one message, in one go. Any octets; never raises."""
    root = scan(octets)
    headers = Headers(root.header)
    body, structure = both(root)
    if len(structure) > MAX_STRUCTURE:
        root = opaque(root.octets, root.start, root.body, root.end)
        body, structure = both(root)
    index: list[bytes] = []
    lines: list[bytes] = []
    for name, line in headers:
        number = NUMBERS.get(name.lower())
        if number is not None:
            lines.append(line)
            left = len(line)
            while left > 0xFFFF:
                index.append(_INDEX.pack(number, 0xFFFF))
                left -= 0xFFFF
            index.append(_INDEX.pack(number, left))
    date = headers.first(b"date")
    return Prepared(
        envelope=envelope(headers),
        body=body,
        bodystructure=structure,
        outline=outline.outline(root),
        header_length=root.body,
        size=root.end,
        date=None if date is None else parse_date(date),
        header_whole=root.body <= MAX_HEADER,
        index=b"".join(index),
        lines=b"".join(lines),
        values=tuple([_value(headers, name) for name in _VALUE_NAMES]),
    )


def encode(prepared: Prepared) -> bytes:
    table = outline.pack(prepared.outline)
    places: list[int] = []
    extra: list[bytes] = []
    lines = prepared.lines
    pieces = (prepared.envelope, prepared.body, prepared.bodystructure, table, prepared.index, lines)
    ends: list[int] = []
    end = _FIXED.size
    for piece in pieces:
        end += len(piece)
        ends.append(end)
    lines_at = end - len(lines)
    for value in prepared.values:
        if value is None:
            places += (0, _ABSENT)
            continue
        # Most values stand in the kept lines just so; only folded and joined ones are stored once more.
        at = lines.find(value)
        if at < 0:
            extra.append(value)
            places += (end, len(value))
            end += len(value)
        else:
            places += (lines_at + at, len(value))
    ends.append(end)
    date = prepared.date
    flags = (_WHOLE_HEADER if prepared.header_whole else 0) | (0 if date is None else _HAS_DATE)
    fixed = _FIXED.pack(
        VERSION,
        flags,
        0 if date is None else date.zone,
        *ends,
        prepared.header_length,
        prepared.size,
        0 if date is None else date.epoch,
        *places,
    )
    return b"".join((fixed, *pieces, *extra))


def decode(row: bytes) -> Prepared:
    """All of a row. RowVersionError when it is of another layout."""
    _check(row)
    _, flags, zone, *rest = _FIXED.unpack_from(row)
    ends, header_length, size, epoch = rest[:7], rest[7], rest[8], rest[9]
    starts = [_FIXED.size, *ends]
    pieces = [row[starts[i] : ends[i]] for i in range(6)]
    return Prepared(
        envelope=pieces[0],
        body=pieces[1],
        bodystructure=pieces[2],
        outline=outline.unpack(pieces[3]),
        header_length=header_length,
        size=size,
        date=SentDate(epoch, zone) if flags & _HAS_DATE else None,
        header_whole=bool(flags & _WHOLE_HEADER),
        index=pieces[4],
        lines=pieces[5],
        values=tuple([value_of(row, which) for which in Value]),
    )


def envelope_of(row: bytes) -> bytes:
    """ENVELOPE, ready to send."""
    _check(row)
    return row[_FIXED.size : int.from_bytes(row[4:8], "little")]


def envelopes_of(rows: Iterable[bytes]) -> list[bytes]:
    """ENVELOPE of each row: what a client that lists a mailbox asks of ten thousand at once, at 0.4 µs each."""
    start, number = _FIXED.size, int.from_bytes
    return [row[start : number(row[4:8], "little")] if row[0] == VERSION else envelope_of(row) for row in rows]


def body_of(row: bytes) -> bytes:
    """BODY, ready to send."""
    _check(row)
    start, end = _PAIR.unpack_from(row, 4)
    return row[start:end]


def bodystructure_of(row: bytes) -> bytes:
    """BODYSTRUCTURE, ready to send."""
    _check(row)
    start, end = _PAIR.unpack_from(row, 8)
    return row[start:end]


def outline_of(row: bytes) -> Outline:
    """The section table, for `sections.resolve`."""
    _check(row)
    start, end = _PAIR.unpack_from(row, 12)
    return outline.unpack(row[start:end])


def value_of(row: bytes, which: Value) -> bytes | None:
    """One header value, unfolded, with its encoded words; None when the message has no such field."""
    _check(row)
    start, length = _PAIR.unpack_from(row, _VALUES_AT + 8 * which)
    return None if length == _ABSENT else row[start : start + length]


def date_of(row: bytes) -> SentDate | None:
    """When the sender says the message was written; None when the Date is absent or no date."""
    _check(row)
    if not row[1] & _HAS_DATE:
        return None
    return SentDate(_DATE.unpack_from(row, _DATE_AT)[0], _ZONE.unpack_from(row, 2)[0])


def header_fields_of(row: bytes, section: Section, prefix: bytes = b"") -> bytes | None:
    """BODY[HEADER.FIELDS (…)] of the message from the row alone; None when the row does not keep all that is asked.

    The prefix's fields come first, as they do in the message. Ends with the blank line.
    """
    _check(row)
    wanted = section.mask
    if wanted is None or section.text is not Text.FIELDS or section.path or not row[1] & _WHOLE_HEADER:
        return None
    index_at, lines_at = _PAIR.unpack_from(row, 16)
    kept: list[bytes] = []
    if prefix and holds_any(prefix, section.wanted):
        kept.append(select_fields(prefix, section.wanted))
    # Neighbours that are all wanted are cut out in one piece.
    at, start = lines_at, -1
    for number, length in _INDEX.iter_unpack(row[index_at:lines_at]):
        if wanted >> number & 1:
            if start < 0:
                start = at
        elif start >= 0:
            kept.append(row[start:at])
            start = -1
        at += length
    if start >= 0:
        kept.append(row[start:at])
    kept.append(b"\r\n")
    return b"".join(kept)


def _check(row: bytes) -> None:
    if row[0] != VERSION:
        raise RowVersionError(f"row of layout {row[0]}, known is {VERSION}")


def _value(headers: Headers, name: bytes) -> bytes | None:
    values = headers.all(name)
    return b", ".join(values) if values else None
