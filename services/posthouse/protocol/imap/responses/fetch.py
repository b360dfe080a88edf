"""FETCH data (RFC 3501 §7.4.2), rendered in bulk: one format per command, one pass over columns per chunk."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

from posthouse.protocol.imap.columns import Columns, Row
from posthouse.protocol.imap.fetch import FetchPlan, Item, SectionItem
from posthouse.protocol.imap.responses.text import flag_columns, flags_text, internaldate
from posthouse.protocol.mime.prepared import (
    body_of,
    bodystructure_of,
    envelope_of,
    envelopes_of,
    header_fields_of,
)

T = TypeVar("T")

PreparedRow = tuple[bytes, bytes]
"""(prefix, prepared row) as MailStore.envelopes gives it."""

END = b")\r\n"

_FORMATS = {
    Item.UID: b"UID %d",
    Item.FLAGS: b"FLAGS (%b)",
    Item.INTERNALDATE: b'INTERNALDATE "%b"',
    Item.SIZE: b"RFC822.SIZE %d",
    Item.MODSEQ: b"MODSEQ (%d)",
    Item.ENVELOPE: b"ENVELOPE %b",
    Item.BODY: b"BODY %b",
    Item.BODYSTRUCTURE: b"BODYSTRUCTURE %b",
}


@lru_cache(maxsize=1024)
def _head_format(items: frozenset[Item], *, more: bool) -> bytes:
    head = b"* %d FETCH (" + b" ".join([_FORMATS[item] for item in Item if item in items])
    return head + b" " if more and items else head


def _pick(column: Sequence[T], indexes: Sequence[int]) -> Sequence[T]:
    if isinstance(indexes, range) and indexes.step == 1:
        return column[indexes.start : indexes.stop]
    return [column[i] for i in indexes]


def heads(
    plan: FetchPlan,
    seqnums: Sequence[int],
    uids: Sequence[int],
    columns: Columns,
    indexes: Sequence[int],
    rows: Sequence[PreparedRow] = (),
) -> list[bytes]:
    """`* n FETCH (…` of each message with all items but sections, up to where the first section or END follows.

    `rows` (one per message) are needed when the plan has ENVELOPE, BODY or BODYSTRUCTURE."""
    items = plan.items
    data: list[Sequence[object]] = [seqnums]
    if Item.UID in items:
        data.append(uids)
    if Item.FLAGS in items:
        data.append(flag_columns(_pick(columns.sys, indexes), _pick(columns.keywords, indexes)))
    if Item.INTERNALDATE in items:
        data.append([internaldate(seconds) for seconds in _pick(columns.internaldates, indexes)])
    if Item.SIZE in items:
        data.append(_pick(columns.sizes, indexes))
    if Item.MODSEQ in items:
        data.append(_pick(columns.modseqs, indexes))
    if Item.ENVELOPE in items:
        data.append(envelopes_of([row for _, row in rows]))
    if Item.BODY in items:
        data.append([body_of(row) for _, row in rows])
    if Item.BODYSTRUCTURE in items:
        data.append([bodystructure_of(row) for _, row in rows])
    form = _head_format(items, more=bool(plan.sections))
    return [form % values for values in zip(*data, strict=True)]


def gone_head(plan: FetchPlan, seqnum: int, uid: int, row: Row, prepared: PreparedRow | None) -> bytes:
    """The same for a message that is expunged but not told so: from the row kept by the view."""
    values: list[object] = [seqnum]
    items = plan.items
    if Item.UID in items:
        values.append(uid)
    if Item.FLAGS in items:
        values.append(flags_text(row.sys, row.keywords))
    if Item.INTERNALDATE in items:
        values.append(internaldate(row.internaldate))
    if Item.SIZE in items:
        values.append(row.size)
    if Item.MODSEQ in items:
        values.append(row.modseq)
    if prepared is not None:
        if Item.ENVELOPE in items:
            values.append(envelope_of(prepared[1]))
        if Item.BODY in items:
            values.append(body_of(prepared[1]))
        if Item.BODYSTRUCTURE in items:
            values.append(bodystructure_of(prepared[1]))
    return _head_format(items, more=bool(plan.sections)) % tuple(values)


def row_sections(sections: Sequence[SectionItem], row: PreparedRow) -> bytes | None:
    """All sections of a message from its row, with END; None when the row cannot answer one of them."""
    prefix, prepared = row
    out: list[bytes] = []
    for item in sections:
        fields = header_fields_of(prepared, item.section, prefix)
        if fields is None:
            return None
        out.append(b"%b {%d}\r\n%b" % (item.name, len(fields), fields))
    return b" ".join(out) + END


def section_start(item: SectionItem, size: int | None) -> bytes:
    """What stands before the octets of a section; None = there is no such section."""
    if size is None:
        return b"%b NIL" % item.name
    return b"%b {%d}\r\n" % (item.name, size)
