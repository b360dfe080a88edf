"""What is sent to a resolver: one question, with EDNS; and whether a reply echoes it.

A question is encoded by hand: a header, a name, an OPT record without options. Names are taken literally (no escapes),
so that no text from a message can smuggle a dot or an octet into a label. The case of the letters is drawn anew for
each query (draft-vixie-dnsext-dns0x20): a reply must repeat it octet by octet, which a forger has to guess besides id
and port. Pure: random octets are passed in. Not done here: replies beyond their question (response.py).
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass
from typing import Final

KINDS: Final = {"A": 1, "NS": 2, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "TLSA": 52}
"""Types that may be asked for (RFC 1035 §3.2.2, RFC 3596, RFC 2782, RFC 6698)."""
MAX_LABEL: Final = 63
MAX_NAME: Final = 255
"""RFC 1035 §2.3.4: octets of a label, and of a name with the octets that say its labels' lengths."""
EDNS_OCTETS: Final = 1232
"""Largest UDP reply asked for: fits the least MTU of IPv6 (1280), so that no fragment can be lost or forged."""
PADDED_TO: Final = 128
"""RFC 8467 §4.1: a padded query is a multiple of this long."""
HEADER: Final = struct.Struct("!6H")
HEADER_OCTETS: Final = 12

_IN: Final = 1
_PADDING: Final = 12
"""RFC 7830 §3: code of the option."""
_RD: Final = 0x0100
_AD: Final = 0x0020
_TYPE_AND_CLASS: Final = struct.Struct("!2H")
# RFC 6891 §6.1.2: root, type OPT, the size in place of the class, no flags, no options. DO stays off: the AD bit is
# asked for by AD (RFC 6840 §5.7), and signatures that nobody here reads would only make replies longer.
_OPT: Final = struct.pack("!BHHIH", 0, 41, EDNS_OCTETS, 0, 0)
# The bit in which a letter's cases differ, 0 for all else. Lengths of labels are at most 63 and so are never letters.
_CASE: Final = bytes(0x20 if chr(octet).isalpha() and octet < 128 else 0 for octet in range(256))


class Echo(enum.Enum):
    """How a reply repeats the question."""

    EXACT = enum.auto()
    CASE_LOST = enum.auto()
    """The same but for the case of letters: a server that does not keep it, or a forger who did not know it."""
    MISSING = enum.auto()
    """There is none; some servers answer so when they refuse or do not understand."""
    OTHER = enum.auto()


@dataclass(frozen=True, slots=True)
class Question:
    """`name` in wire form, lower case."""

    name: bytes
    kind: str

    def drawn(self, random: bytes) -> bytes:
        """The question section with its letters' case drawn from `random`, at least as long as the name."""
        size = len(self.name)
        flips = int.from_bytes(random[:size], "big") & int.from_bytes(self.name.translate(_CASE), "big")
        name = int.from_bytes(self.name, "big") ^ flips
        return name.to_bytes(size, "big") + _TYPE_AND_CLASS.pack(KINDS[self.kind], _IN)

    def plain(self) -> bytes:
        """The question section in lower case."""
        return self.name + _TYPE_AND_CLASS.pack(KINDS[self.kind], _IN)


def wire_name(name: str) -> bytes | None:
    """`name` in wire form, lower case; None where the DNS cannot hold it. One dot at the end is allowed."""
    if not name.isascii():
        return None
    text = name.lower().encode("ascii").removesuffix(b".")
    if not text:
        return b"\0" if name in {"", "."} else None
    wire = bytearray()
    for label in text.split(b"."):
        if not 0 < len(label) <= MAX_LABEL:
            return None
        wire.append(len(label))
        wire += label
    wire.append(0)
    return bytes(wire) if len(wire) <= MAX_NAME else None


def encode(id: int, question: bytes, *, edns: bool, authentic: bool, padded: bool = False) -> bytes:
    """The query for a question section. `authentic`: ask whether the answer was validated. `padded`: hide the length of
    the name, for TLS (with EDNS only)."""
    flags = _RD | _AD if authentic else _RD
    header = HEADER.pack(id, flags, 1, 0, 0, 1 if edns else 0)
    if not edns:
        return header + question
    if not padded:
        return header + question + _OPT
    fill = -(HEADER_OCTETS + len(question) + len(_OPT) + 4) % PADDED_TO
    option = struct.pack("!2H", _PADDING, fill) + bytes(fill)
    return header + question + _OPT[:-2] + len(option).to_bytes(2, "big") + option


def echo(reply: bytes, question: bytes) -> Echo:
    """Compares the question of a reply of at least a header with the one asked. No reply (QR) or another opcode is
    OTHER. Nothing is decoded: a question comes first and so has nothing to point back at (RFC 1035 §4.1.4)."""
    flags, questions = reply[2], int.from_bytes(reply[4:6], "big")
    if flags & 0xF8 != 0x80:
        return Echo.OTHER
    if questions == 0:
        return Echo.MISSING
    end = HEADER_OCTETS + len(question)
    asked = reply[HEADER_OCTETS:end]
    if questions != 1 or len(asked) != len(question):
        return Echo.OTHER
    if asked == question:
        return Echo.EXACT
    same = asked[-4:] == question[-4:] and asked[:-4].lower() == question[:-4].lower()
    return Echo.CASE_LOST if same else Echo.OTHER
