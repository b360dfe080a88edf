"""The section table of a row: the offsets of every part, packed in the tree's own order.

One record per part: what follows it (nothing, so many children, or a nested message), and its three offsets.
"""

import struct
from typing import NamedTuple

from posthouse.protocol.mime.sections import Node

_RECORD = struct.Struct("<HIII")
# In place of the number of children: a nested message follows. Above any number of children (scan.MAX_PARTS).
_NESTED = 0xFFFF


class Outline(NamedTuple):
    """A part's place in the blob; enough for `sections.resolve`."""

    start: int
    body: int
    end: int
    children: tuple["Outline", ...] = ()
    message: "Outline | None" = None


def outline(root: Node) -> Outline:
    """The offsets of a scanned tree."""
    return Outline(
        root.start,
        root.body,
        root.end,
        tuple(map(outline, root.children)),
        None if root.message is None else outline(root.message),
    )


def pack(root: Node) -> bytes:
    records: list[bytes] = []
    _pack(root, records)
    return b"".join(records)


def unpack(table: bytes) -> Outline:
    """The tree that `pack` wrote. struct.error or IndexError on other octets: rows are ours, damage shows."""
    if len(table) == _RECORD.size:  # nine of ten messages have one part
        _, start, body, end = _RECORD.unpack(table)
        return Outline(start, body, end)
    root, _ = _unpack(table, 0)
    return root


def _pack(node: Node, records: list[bytes]) -> None:
    follows = len(node.children) if node.message is None else _NESTED
    records.append(_RECORD.pack(follows, node.start, node.body, node.end))
    for child in node.children:
        _pack(child, records)
    if node.message is not None:
        _pack(node.message, records)


def _unpack(table: bytes, at: int) -> tuple[Outline, int]:
    follows, start, body, end = _RECORD.unpack_from(table, at)
    at += _RECORD.size
    if follows == _NESTED:
        message, at = _unpack(table, at)
        return Outline(start, body, end, (), message), at
    children: list[Outline] = []
    for _ in range(follows):
        child, at = _unpack(table, at)
        children.append(child)
    return Outline(start, body, end, tuple(children)), at
