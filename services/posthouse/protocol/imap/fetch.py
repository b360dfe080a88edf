"""What a FETCH asks for, planned once per command: which items there are and how deep each has to look.

Depth: `COLUMNS` items come from the view alone, `ROW` items from the prepared row (prefix and row in bulk), `OCTETS`
items need ranges of the message. BODY[HEADER.FIELDS (…)] is a ROW item when the row keeps the fields asked for; where a
single row cannot answer (its header was cut), the caller falls back to octets for that message.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from posthouse.protocol.mime.sections import Section, Text


class Item(IntEnum):
    """Data items without a section, in the order in which they are sent."""

    UID = 0
    FLAGS = 1
    INTERNALDATE = 2
    SIZE = 3
    MODSEQ = 4
    ENVELOPE = 5
    BODY = 6
    BODYSTRUCTURE = 7


class Depth(IntEnum):
    COLUMNS = 0
    ROW = 1
    OCTETS = 2


_ROW_ITEMS = frozenset({Item.ENVELOPE, Item.BODY, Item.BODYSTRUCTURE})


@dataclass(frozen=True, slots=True)
class SectionItem:
    """BODY[…] and its RFC822 forms."""

    section: Section
    name: bytes
    """As the response repeats it: `BODY[1.MIME]`, `BODY[]<0>`, `RFC822.TEXT`."""
    peek: bool
    partial: tuple[int, int] | None = None

    @property
    def from_row(self) -> bool:
        return self.section.mask is not None and self.partial is None


@dataclass(frozen=True, slots=True)
class FetchPlan:
    items: frozenset[Item]
    sections: tuple[SectionItem, ...] = ()
    depth: Depth = field(init=False, default=Depth.COLUMNS)
    sets_seen: bool = field(init=False, default=False)
    """RFC 3501 §6.4.5: BODY[…], RFC822 and RFC822.TEXT set \\Seen."""

    def __post_init__(self) -> None:
        depth = Depth.ROW if self.items & _ROW_ITEMS else Depth.COLUMNS
        if self.sections:
            depth = Depth.ROW if all(section.from_row for section in self.sections) else Depth.OCTETS
        object.__setattr__(self, "depth", depth)
        object.__setattr__(self, "sets_seen", any(not section.peek for section in self.sections))

    def adding(self, *items: Item) -> FetchPlan:
        return self if self.items.issuperset(items) else FetchPlan(self.items.union(items), self.sections)


FAST = frozenset({Item.FLAGS, Item.INTERNALDATE, Item.SIZE})
ALL = FAST | {Item.ENVELOPE}
FULL = ALL | {Item.BODY}


def section_item(section: Section, *, peek: bool, partial: tuple[int, int] | None) -> SectionItem:
    name = b"BODY[%b]" % section.label()
    # RFC 3501 §7.4.2: the origin octet stands in the response, the length asked for does not.
    return SectionItem(section, name if partial is None else b"%b<%d>" % (name, partial[0]), peek, partial)


RFC822 = {
    b"RFC822": SectionItem(Section(), b"RFC822", peek=False),
    b"RFC822.HEADER": SectionItem(Section(text=Text.HEADER), b"RFC822.HEADER", peek=True),
    b"RFC822.TEXT": SectionItem(Section(text=Text.TEXT), b"RFC822.TEXT", peek=False),
}
