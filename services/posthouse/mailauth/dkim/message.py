"""One message as its signatures see it: fields from top to bottom, and the body canonicalised and hashed once.

Ingress refuses bare CR and LF (protocol/smtp/data.py), so lines end in CRLF. For a file from elsewhere a bare LF is
read as the CRLF that its signer saw; a bare CR is an ordinary octet. A line of the header that is no field ends
nothing and belongs to no signature.

Bounds: MAX_HEADER octets of header are read; a field that begins behind them does not exist for any signature.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import NamedTuple

from posthouse.mailauth.dkim.canonical import relaxed_body, relaxed_header, simple_body
from posthouse.mailauth.dkim.policy import DEFAULT
from posthouse.mailauth.dkim.signature import SignatureError, parse, read, without_value
from posthouse.protocol.mime.header import header_end

MAX_HEADER = 524_288
"""Octets of the header that are read."""
MAX_FIELDS = 10_000
"""Fields that are read."""

# Group 1: the field as it stands with the CR at its end; 2: its name; 3: the value with folds and that CR.
_FIELDS = re.compile(rb"\n(([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*))")
_BARE_LF = re.compile(rb"(?<!\r)\n")


class Field(NamedTuple):
    """One header field."""

    name: bytes
    """In lower case."""
    raw: bytes
    """As it stands, without the CRLF at its end."""
    value: bytes
    """Behind the colon, folds and all."""


class SignedMessage:
    """`octets` is the whole message. Canonical forms and body hashes are made when first asked for, and kept."""

    __slots__ = ("_bodies", "_body", "_hashes", "_relaxed", "by_name", "fields", "size")

    def __init__(self, octets: bytes) -> None:
        if octets.count(b"\n") != octets.count(b"\r\n"):
            octets = _BARE_LF.sub(b"\r\n", octets)
        end = header_end(octets, 0, len(octets))
        block = b"\n" + octets[: min(end, MAX_HEADER)]
        if not block.endswith(b"\n"):
            block += b"\r\n"
        fields: list[Field] = []
        by_name: dict[bytes, list[int]] = {}
        for place, (raw, written, value) in enumerate(_FIELDS.findall(block)):
            if place == MAX_FIELDS:
                break
            name = written.lower()
            if name in by_name:
                by_name[name].append(place)
            else:
                by_name[name] = [place]
            # Behind each field comes LF, and before each LF a CR, which is not the field's.
            fields.append(Field(name, raw[:-1], value[:-1]))
        self.fields: Sequence[Field] = fields
        self.by_name = by_name
        """Places in `fields`, from the top, by lower-case name."""
        self.size = len(octets)
        self._body = octets[end:]
        self._bodies: dict[str, bytes] = {}
        self._hashes: dict[tuple[str, int | None], bytes] = {}
        self._relaxed: dict[int, bytes] = {}

    def body(self, canonicalization: str) -> bytes:
        """`simple` or `relaxed`."""
        body = self._bodies.get(canonicalization)
        if body is None:
            body = self._bodies[canonicalization] = (
                relaxed_body(self._body) if canonicalization == "relaxed" else simple_body(self._body)
            )
        return body

    def body_hash(self, canonicalization: str, length: int | None = None) -> bytes:
        """SHA-256 of the body, of its first `length` octets if given. Shared by all signatures that ask the same."""
        key = (canonicalization, length)
        digest = self._hashes.get(key)
        if digest is None:
            body = self.body(canonicalization)
            digest = hashlib.sha256(body if length is None else memoryview(body)[:length]).digest()
            self._hashes[key] = digest
        return digest

    def canonical_field(self, place: int, canonicalization: str) -> bytes:
        """A field in canonical form, CRLF included."""
        if canonicalization == "simple":
            return self.fields[place].raw + b"\r\n"
        form = self._relaxed.get(place)
        if form is None:
            field = self.fields[place]
            form = self._relaxed[place] = relaxed_header(field.name, field.value) + b"\r\n"
        return form

    def signed_fields(self, names: Sequence[bytes], canonicalization: str, but: int = -1) -> list[bytes]:
        """The fields that `names` (lower case, as in h=) stand for: of one name from the bottom up, absent ones nothing
        (RFC 6376 §5.4.2). The field at place `but`, the signature itself, is not counted (RFC 6376 §3.7)."""
        taken: dict[bytes, int] = {}
        chosen: list[bytes] = []
        for name in names:
            places = self.by_name.get(name)
            if places is None:
                continue
            at = taken.get(name, len(places)) - 1
            if at >= 0 and places[at] == but:
                at -= 1
            taken[name] = at
            if at >= 0:
                chosen.append(self.canonical_field(places[at], canonicalization))
        return chosen

    def unsigned_form(self, place: int, canonicalization: str) -> bytes:
        """A signature field in canonical form, what stands in its b= taken out, without CRLF (RFC 6376 §3.7)."""
        field = self.fields[place]
        value = without_value(field.value)
        if canonicalization == "relaxed":
            return relaxed_header(field.name, value)
        return field.raw[: len(field.raw) - len(field.value)] + value


def hashed(octets: bytes) -> SignedMessage:
    """With the hashes of the body that its signatures will be held against: for a thread, where a body is so large that
    others would wait for it. Never raises."""
    message = SignedMessage(octets)
    for name, arc in ((b"dkim-signature", False), (b"arc-message-signature", True)):
        for place in message.by_name.get(name, [])[: DEFAULT.max_signatures]:
            try:
                form = parse(read(message.fields[place].value), arc=arc).body_form
            except SignatureError:
                continue  # judged, and named, where it is verified
            message.body_hash(form)
    return message
