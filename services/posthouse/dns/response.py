"""What a resolver's reply says about the name that was asked for. Pure.

Only what leads from the name asked, over CNAMEs, to records of the type asked is decoded; everything else in the answer
is stepped over, whatever it holds. Names and compression are dnspython's. Whatever a reply's octets are, the outcome is
a Response or Malformed; work is bounded by MAX_WALKED records and MAX_CNAMES names.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import dns.exception
import dns.ipv6
import dns.name
import dns.wire
from dns.name import from_wire_parser

from posthouse.dns.query import HEADER, HEADER_OCTETS, KINDS, Question

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, BADVERS = 0, 1, 2, 3, 4, 5, 16
"""RCODEs (RFC 1035 §4.1.1, RFC 6891 §9)."""
MAX_CNAMES: Final = 8
MAX_RECORDS: Final = 256
"""Of the type asked, in one answer. Each may have a name of 127 labels: this bounds the time to read a hostile one."""
MAX_WALKED: Final = 1000
"""Records of all kinds in one reply that are looked at."""

_CNAME: Final = 5
_SOA: Final = 6
_OPT: Final = 41
_IN: Final = 1
_TC: Final = 0x0200
_AD: Final = 0x0020
_RECORD: Final = struct.Struct("!HHIH")
_EXTENDED_ERROR: Final = 15
_MAX_TTL: Final = 2**31 - 1
_POINTER_TO_QUESTION: Final = b"\xc0\x0c"
_RCODES: Final = {1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 16: "BADVERS"}


class Malformed(Exception):
    """The reply cannot be read, or says what cannot be (a loop of CNAMEs, more records than anybody has)."""


@dataclass(frozen=True, slots=True)
class Response:
    """`records` in presentation form, as the port has it."""

    rcode: int
    records: tuple[str, ...] = ()
    ttl: int = 0
    """Seconds: the least of the records' and of the CNAMEs' before them; of a negative answer by RFC 2308 §5."""
    authentic: bool = False
    """The AD bit as it stands."""
    next: bytes | None = None
    """Wire form of the name at which the CNAMEs end when the reply does not say what is there: ask for it."""
    detail: str = ""
    """For logs, of a failure: its RCODE and extended error."""


def truncated(reply: bytes) -> bool:
    """TC: there is more than this datagram holds (RFC 2181 §9)."""
    return bool(int.from_bytes(reply[2:4], "big") & _TC)


def parse(reply: bytes, question: Question) -> Response:
    """Reads a reply whose question was compared already (query.echo). Raises Malformed."""
    if len(reply) < HEADER_OCTETS:
        raise Malformed(f"{len(reply)} octets")
    try:
        return _parse(reply, question)
    except (dns.exception.DNSException, struct.error, ValueError) as e:
        raise Malformed(f"{type(e).__name__}: {e}") from e


def _parse(reply: bytes, question: Question) -> Response:
    _, flags, questions, answers, authorities, additional = HEADER.unpack_from(reply)
    if answers + authorities > MAX_WALKED:
        raise Malformed(f"{answers + authorities} records")
    after = HEADER_OCTETS + len(question.name)
    asked = questions == 1 and reply[HEADER_OCTETS:after].lower() == question.name
    parser = dns.wire.Parser(reply, after + 4 if asked else HEADER_OCTETS)
    if not asked:
        for _ in range(questions):
            from_wire_parser(parser)
            parser.get_bytes(4)
    rcode = flags & 0x0F
    if answers == 0 or rcode not in {NOERROR, NXDOMAIN}:
        # RFC 6891 §6.1.3: the upper bits of the RCODE are in OPT; a failure may look like NOERROR without them.
        failure = _failure(dns.wire.Parser(reply, parser.current), rcode, answers + authorities, additional)
        if failure.rcode not in {NOERROR, NXDOMAIN}:
            return failure
    wanted = KINDS[question.kind]
    owners = {_POINTER_TO_QUESTION: question.name} if asked else {}
    cnames: dict[bytes, tuple[int, int, int]] = {}
    found: dict[bytes, list[tuple[int, int, int]]] = {}
    for _ in range(answers):
        owner, kind, of_class, ttl, at, size = _record(parser, reply, owners)
        if of_class != _IN:
            continue
        if kind == wanted:
            found.setdefault(owner, []).append((ttl, at, size))
        elif kind == _CNAME:
            cnames.setdefault(owner, (ttl, at, size))
    name, ttl = question.name, _MAX_TTL
    for _ in range(MAX_CNAMES + 1):
        if name in found:
            if rcode == NXDOMAIN:
                raise Malformed("records of a name that does not exist")
            places = found[name]
            if len(places) > MAX_RECORDS:
                raise Malformed(f"{len(places)} records of the type asked")
            read = _READERS[question.kind]
            records = tuple([read(reply, at, size) for _, at, size in places])
            return Response(NOERROR, records, min(ttl, *(it[0] for it in places)), bool(flags & _AD))
        if name not in cnames:
            break
        its_ttl, at, size = cnames[name]
        name, ttl = _wire_name(_name_at(reply, at, size)), min(ttl, its_ttl)
    else:
        raise Malformed(f"more than {MAX_CNAMES} CNAMEs, or a loop of them")
    negative = _negative_ttl(parser, reply, name, authorities, owners)
    followed = name != question.name
    if rcode == NOERROR and followed and negative is None:
        return Response(NOERROR, (), ttl, bool(flags & _AD), next=name)
    return Response(rcode, (), min(ttl, negative or 0), bool(flags & _AD))


def _record(parser: dns.wire.Parser, reply: bytes, owners: dict[bytes, bytes]) -> tuple[bytes, int, int, int, int, int]:
    """(owner in wire form and lower case, type, class, ttl, where its data is, how long), and steps over it. `owners`:
    what the pointers seen so far point at, for most owners are one."""
    pointer = reply[parser.current : parser.current + 2]
    known = owners.get(pointer)
    if known is not None:
        owner = known
        parser.get_bytes(2)
    else:
        owner = _wire_name(from_wire_parser(parser))
        if pointer[0] >= 0xC0:
            owners[pointer] = owner
    kind, of_class, ttl, size = _RECORD.unpack(parser.get_bytes(10))
    at = parser.current
    parser.get_bytes(size)
    # RFC 2181 §8: a TTL with the highest bit set is 0.
    return owner, kind, of_class, ttl if ttl <= _MAX_TTL else 0, at, size


def _negative_ttl(
    parser: dns.wire.Parser, reply: bytes, name: bytes, authorities: int, owners: dict[bytes, bytes]
) -> int | None:
    """RFC 2308 §5: the lesser of the SOA's TTL and of its last field; None where there is no SOA above `name`."""
    for _ in range(authorities):
        owner, kind, of_class, ttl, at, size = _record(parser, reply, owners)
        if kind == _SOA and of_class == _IN and name.endswith(owner):
            soa = dns.wire.Parser(reply, at)
            with soa.restrict_to(size):
                from_wire_parser(soa)
                from_wire_parser(soa)
                minimum = int.from_bytes(soa.get_bytes(20)[16:], "big")
            return min(ttl, minimum)
    return None


def _failure(parser: dns.wire.Parser, rcode: int, before: int, additional: int) -> Response:
    """Reads the extended RCODE and the extended error (RFC 8914) where there are any."""
    told = ""
    for position in range(min(before + additional, MAX_WALKED)):
        owner = from_wire_parser(parser)
        kind, _, ttl, size = _RECORD.unpack(parser.get_bytes(10))
        options = parser.get_bytes(size)
        if position >= before and kind == _OPT and owner == dns.name.root:
            rcode |= ttl >> 24 << 4
            told = _extended_error(options)
    return Response(rcode, detail=_RCODES.get(rcode, f"RCODE {rcode}") + told)


def _extended_error(options: bytes) -> str:
    while len(options) >= 4:
        code, size = struct.unpack_from("!HH", options)
        if code == _EXTENDED_ERROR and 2 <= size <= len(options) - 4:
            return f", extended error {int.from_bytes(options[4:6], 'big')}"
        options = options[4 + size :]
    return ""


# ---- names


def _wire_name(name: dns.name.Name) -> bytes:
    return b"".join([bytes((len(label),)) + label for label in name.labels]).lower()


def _name_at(reply: bytes, at: int, size: int) -> dns.name.Name:
    parser = dns.wire.Parser(reply, at)
    with parser.restrict_to(size):
        return from_wire_parser(parser)


def _host(name: dns.name.Name) -> str:
    # In lower case: names compressed against the question have the case that was drawn for it.
    return name.to_text(omit_final_dot=True).lower()


# ---- data, by type


def _a(reply: bytes, at: int, size: int) -> str:
    if size != 4:
        raise Malformed(f"an address of {size} octets")
    return f"{reply[at]}.{reply[at + 1]}.{reply[at + 2]}.{reply[at + 3]}"


def _aaaa(reply: bytes, at: int, size: int) -> str:
    if size != 16:
        raise Malformed(f"an address of {size} octets")
    return dns.ipv6.inet_ntoa(reply[at : at + 16])


def _txt(reply: bytes, at: int, size: int) -> str:
    # RFC 7208 §3.3, RFC 6376 §3.6.2.2: the strings of one record are joined without spaces.
    end = at + size
    strings = []
    while at < end:
        after = at + 1 + reply[at]
        if after > end:
            raise Malformed("a string longer than its record")
        strings.append(reply[at + 1 : after])
        at = after
    return b"".join(strings).decode("utf-8", "surrogateescape")


def _domain(reply: bytes, at: int, size: int) -> str:
    return _host(_name_at(reply, at, size))


def _mx(reply: bytes, at: int, size: int) -> str:
    if size < 3:
        raise Malformed(f"an MX of {size} octets")
    return f"{int.from_bytes(reply[at : at + 2], 'big')} {_host(_name_at(reply, at + 2, size - 2))}"


def _srv(reply: bytes, at: int, size: int) -> str:
    if size < 7:
        raise Malformed(f"an SRV of {size} octets")
    priority, weight, port = struct.unpack_from("!3H", reply, at)
    return f"{priority} {weight} {port} {_host(_name_at(reply, at + 6, size - 6))}"


def _tlsa(reply: bytes, at: int, size: int) -> str:
    if size < 4:
        raise Malformed(f"a TLSA of {size} octets")
    return f"{reply[at]} {reply[at + 1]} {reply[at + 2]} {reply[at + 3 : at + size].hex()}"


_READERS: Final[dict[str, Callable[[bytes, int, int], str]]] = {
    "A": _a,
    "AAAA": _aaaa,
    "CNAME": _domain,
    "MX": _mx,
    "NS": _domain,
    "PTR": _domain,
    "SRV": _srv,
    "TLSA": _tlsa,
    "TXT": _txt,
}
