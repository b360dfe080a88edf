"""One message of one mailbox as the planner and the projections see it, and its share of the mailbox's checksum."""

from __future__ import annotations

import zlib
from typing import NamedTuple

from posthouse.model.flags import NO_KEYWORDS
from posthouse.model.ids import MailboxNumber, ModSeq, Uid
from posthouse.model.mailbox import UID_BUCKET_BITS

_MASK = 0xFFFF_FFFF_FFFF_FFFF
_UID = 0x9E37_79B9_7F4A_7C15
_SYS = 0xC2B2_AE3D_27D4_EB4F
_KEYWORDS = 0x1656_67B1_9E37_79F9
_FINISH = 0xFF51_AFD7_ED55_8CCD


class MsgRow(NamedTuple):
    """A live message. A tuple, not a dataclass: a STORE reads ten thousand of them."""

    uid: Uid
    email_id: bytes
    """16 octets."""
    modseq: ModSeq
    sys: int
    kw: frozenset[str]
    size: int
    internaldate: int


def message_hash(uid: int, sys: int, kw: frozenset[str], email_id: bytes) -> int:
    """64 bits of (uid, flags, email_id). XOR over a mailbox gives Mailbox.checksum, which costs O(1) per change.

    The values are stored: this function may never change. It is a mixer, not a cryptographic hash: it is to notice
    rows that differ by accident, and an attacker who can write rows has no use for a collision.
    """
    keywords = zlib.crc32("\0".join(sorted(kw)).encode()) + 1 if kw else 0
    identity = int.from_bytes(email_id[:8], "little") ^ int.from_bytes(email_id[8:], "big")
    mixed = (identity ^ uid * _UID ^ sys * _SYS ^ keywords * _KEYWORDS) & _MASK
    mixed = (mixed ^ mixed >> 33) * _FINISH & _MASK
    return mixed ^ mixed >> 29


def row_hash(row: MsgRow) -> int:
    return message_hash(row.uid, row.sys, row.kw, row.email_id)


def bucket_key(number: MailboxNumber, uid: int) -> int:
    """Key of the uid bucket that holds `uid`: mailbox number in the upper half, bucket in the lower."""
    return number << 32 | uid >> UID_BUCKET_BITS


def keywords_text(kw: frozenset[str]) -> str:
    """Column form: sorted, space between (a keyword is an atom: it holds no space)."""
    return " ".join(sorted(kw)) if kw else ""


def keywords_of(text: str | None) -> frozenset[str]:
    return frozenset(text.split(" ")) if text else NO_KEYWORDS
