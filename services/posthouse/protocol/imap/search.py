"""SEARCH, evaluated in three depths: all messages by the view's columns, what is left by prepared rows, what is still
undecided by octets. The caller reads; everything here is pure.

`by_columns` settles keys that need nothing else at the speed of list comprehensions. `match` decides one message with
what has been read of it so far: True, False, or None where deeper data could still decide (Kleene's logic), so that no
message is read whose fate is known."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from posthouse.protocol.imap import search_keys as k
from posthouse.protocol.imap.fetch import Depth
from posthouse.protocol.imap.search_text import body_contains, header_contains
from posthouse.protocol.imap.sequence_set import SequenceSet, resolve
from posthouse.protocol.imap.view import SelectedView
from posthouse.protocol.mime.prepared import date_of, header_fields_of, value_of
from posthouse.protocol.mime.sections import Section, Text
from posthouse.protocol.mime.words import decode_words

DAY = 86_400


class Places:
    """The messages that a search looks at: a column index and a sequence number for each."""

    __slots__ = ("columns", "indexes", "seqnums", "view")

    def __init__(self, view: SelectedView) -> None:
        self.view = view
        self.columns = view.columns
        everything = view.select(_ALL, uid=True)
        self.indexes: Sequence[int] = everything.indexes
        self.seqnums: dict[int, int] | None = None
        """Index → sequence number, where they are not just one apart (expunges withheld)."""
        if view.withheld:
            self.seqnums = dict(zip(everything.indexes, everything.seqnums, strict=True))

    def seqnum(self, index: int) -> int:
        return index + 1 if self.seqnums is None else self.seqnums[index]


_ALL = SequenceSet(((1, 0xFFFFFFFF),))


def by_columns(key: k.Key, places: Places, indexes: Sequence[int]) -> list[int]:
    """Those of `indexes` for which a key of Depth.COLUMNS holds, in order."""
    columns = places.columns
    match key:
        case k.Everything():
            return list(indexes)
        case k.Nothing():
            return []
        case k.SystemFlag(bit, present):
            sys = columns.sys
            return [i for i in indexes if sys[i] & bit] if present else [i for i in indexes if not sys[i] & bit]
        case k.Keyword(lower, present):
            kw = columns.keywords
            known = places.view.keywords.get(lower)
            if known is None:
                return [] if present else list(indexes)
            return [i for i in indexes if (known in kw[i]) is present]
        case k.Numbers(sequence_set, uid):
            return _numbers(sequence_set, places, indexes, uid=uid)
        case k.Received(compare, day):
            dates = columns.internaldates
            low, high = day * DAY, (day + 1) * DAY
            if compare is k.Compare.BEFORE:
                return [i for i in indexes if dates[i] < low]
            if compare is k.Compare.SINCE:
                return [i for i in indexes if dates[i] >= low]
            return [i for i in indexes if low <= dates[i] < high]
        case k.Size(larger, octets):
            sizes = columns.sizes
            return [i for i in indexes if sizes[i] > octets] if larger else [i for i in indexes if sizes[i] < octets]
        case k.ModSeqAtLeast(modseq):
            modseqs = columns.modseqs
            return [i for i in indexes if modseqs[i] >= modseq]
        case k.Not(inner):
            hit = frozenset(by_columns(inner, places, indexes))
            return [i for i in indexes if i not in hit]
        case k.Or(left, right):
            either = set(by_columns(left, places, indexes))
            either.update(by_columns(right, places, [i for i in indexes if i not in either]))
            return [i for i in indexes if i in either]
        case k.And(keys):
            kept = list(indexes)
            for inner in keys:
                kept = by_columns(inner, places, kept)
            return kept
        case _:
            raise ValueError(f"{type(key).__name__} needs more than columns")


def _numbers(sequence_set: SequenceSet, places: Places, indexes: Sequence[int], *, uid: bool) -> list[int]:
    # RFC 3501 §9: a sequence number beyond the last is an error for FETCH; SEARCH just finds nothing there.
    columns, view = places.columns, places.view
    highest = (columns.uids[-1] if len(columns) else 0) if uid else view.exists
    ranges = resolve(sequence_set, highest)
    lows, highs = [low for low, _ in ranges], [high for _, high in ranges]
    kept: list[int] = []
    for i in indexes:
        number = columns.uids[i] if uid else places.seqnum(i)
        at = bisect_right(lows, number) - 1
        if at >= 0 and number <= highs[at]:
            kept.append(i)
    return kept


@dataclass(slots=True)
class Message:
    """One message, with what was read of it."""

    index: int
    row: tuple[bytes, bytes] | None = None
    """(prefix, prepared)."""
    octets: bytes | None = None
    """Without prefix."""


def match(key: k.Key, places: Places, message: Message) -> bool | None:
    """None = not decided by what was read so far; never None once the octets are there."""
    match key:
        case k.And(keys):
            result: bool | None = True
            for inner in keys:
                one = match_key(inner, places, message)
                if one is False:
                    return False
                if one is None:
                    result = None
            return result
        case k.Or(left, right):
            one = match_key(left, places, message)
            if one:
                return True
            other = match_key(right, places, message)
            if other:
                return True
            return None if one is None or other is None else False
        case k.Not(inner):
            one = match_key(inner, places, message)
            return None if one is None else not one
        case k.Sent() | k.HeaderValue() | k.Header() | k.Body():
            return _leaf(key, message)
        case _:
            return bool(by_columns(key, places, (message.index,)))


match_key = match


def _leaf(key: k.Sent | k.HeaderValue | k.Header | k.Body, message: Message) -> bool | None:
    if message.row is None:
        return None
    prefix, prepared = message.row
    match key:
        case k.Sent(compare, day):
            sent = date_of(prepared)
            if sent is None:
                return False
            sent_day = (sent.epoch + sent.zone * 60) // DAY
            if compare is k.Compare.BEFORE:
                return sent_day < day
            return sent_day >= day if compare is k.Compare.SINCE else sent_day == day
        case k.HeaderValue(value, text):
            raw = value_of(prepared, value)
            return raw is not None and text in k.folded(decode_words(raw))
        case k.Header(name, text):
            if key.depth is Depth.ROW:
                fields = header_fields_of(prepared, Section(text=Text.FIELDS, fields=(name,)), prefix)
                if fields is not None:
                    return header_contains(fields, name, text)
            return None if message.octets is None else header_contains(prefix + message.octets, name, text)
        case k.Body(text, header):
            if message.octets is None:
                return None
            return body_contains(message.octets, prefix, text, header=header)


def plan(key: k.Key) -> tuple[list[k.Key], list[k.Key]]:
    """(keys that columns settle, the others), all of which must hold."""
    keys = key.keys if isinstance(key, k.And) else (key,)
    return [one for one in keys if one.depth is Depth.COLUMNS], [one for one in keys if one.depth is not Depth.COLUMNS]
