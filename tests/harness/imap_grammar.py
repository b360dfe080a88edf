"""A strict reader of two IMAP productions, `envelope` and `body` (RFC 3501 §9, RFC 9051 §9): one space where the
grammar
has one, none elsewhere, quoted strings without what they may not hold. AssertionError with the place where it departs.

Deliberately not the code under test nor a lenient client: what it reads, any client can.
"""

import re
from typing import Any

_QUOTED = re.compile(rb'"((?:[\x01-\x09\x0b\x0c\x0e-\x21\x23-\x5b\x5d-\x7f]|\\["\\])*)"')
_LITERAL = re.compile(rb"\{(0|[1-9][0-9]*)\}\r\n")
_NUMBER = re.compile(rb"0|[1-9][0-9]*")


def read_envelope(octets: bytes) -> dict[str, Any]:
    """Names of the grammar → None, bytes, or a list of (name, adl, mailbox, host)."""
    reader = _Reader(octets)
    found = reader.envelope()
    reader.end()
    return found


def read_body(octets: bytes, *, extended: bool) -> dict[str, Any]:
    """A tree: `type`, `subtype`, then `parts` or the fields of a leaf; extension fields only when `extended`."""
    reader = _Reader(octets)
    found = reader.body(extended)
    reader.end()
    return found


class _Reader:
    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.at = 0

    def end(self) -> None:
        assert self.at == len(self.octets), f"trailing octets at {self.at}: {self.octets[self.at :][:40]!r}"

    def peek(self, token: bytes) -> bool:
        return self.octets.startswith(token, self.at)

    def take(self, token: bytes) -> None:
        assert self.peek(token), f"wanted {token!r} at {self.at}, found {self.octets[self.at :][:40]!r}"
        self.at += len(token)

    def string(self) -> bytes:
        if found := _QUOTED.match(self.octets, self.at):
            self.at = found.end()
            return re.sub(rb"\\(.)", rb"\1", found[1])
        literal = _LITERAL.match(self.octets, self.at)
        assert literal, f"no string at {self.at}: {self.octets[self.at :][:40]!r}"
        self.at = literal.end() + int(literal[1])
        value = self.octets[literal.end() : self.at]
        assert len(value) == int(literal[1])
        assert b"\0" not in value
        return value

    def nstring(self) -> bytes | None:
        if self.peek(b"NIL"):
            self.take(b"NIL")
            return None
        return self.string()

    def number(self) -> int:
        found = _NUMBER.match(self.octets, self.at)
        assert found, f"no number at {self.at}: {self.octets[self.at :][:40]!r}"
        self.at = found.end()
        assert int(found[0]) < 2**63
        return int(found[0])

    def addresses(self) -> list[tuple[bytes | None, ...]] | None:
        if self.peek(b"NIL"):
            self.take(b"NIL")
            return None
        self.take(b"(")
        found: list[tuple[bytes | None, ...]] = []
        depth = 0
        while not found or not self.peek(b")"):
            self.take(b"(")
            parts: list[bytes | None] = [self.nstring()]
            for _ in range(3):
                self.take(b" ")
                parts.append(self.nstring())
            self.take(b")")
            name, route, mailbox, host = parts
            if host is None:  # a group marker: name first, then the end (RFC 3501 §7.4.2)
                assert name is None
                assert route is None
                depth += 1 if mailbox is not None else -1
                assert depth in (0, 1)
            else:
                assert mailbox is not None
            found.append(tuple(parts))
        assert depth == 0, "a group without its end"
        self.take(b")")
        return found

    def envelope(self) -> dict[str, Any]:
        self.take(b"(")
        found: dict[str, Any] = {"date": self.nstring()}
        self.take(b" ")
        found["subject"] = self.nstring()
        for name in ("from", "sender", "reply_to", "to", "cc", "bcc"):
            self.take(b" ")
            found[name] = self.addresses()
        self.take(b" ")
        found["in_reply_to"] = self.nstring()
        self.take(b" ")
        found["message_id"] = self.nstring()
        self.take(b")")
        return found

    def parameters(self) -> list[tuple[bytes, bytes]] | None:
        if self.peek(b"NIL"):
            self.take(b"NIL")
            return None
        self.take(b"(")
        found: list[tuple[bytes, bytes]] = []
        while not found or self.peek(b" "):
            if found:
                self.take(b" ")
            name = self.string()
            self.take(b" ")
            found.append((name, self.string()))
        self.take(b")")
        return found

    def disposition(self) -> tuple[bytes, Any] | None:
        if self.peek(b"NIL"):
            self.take(b"NIL")
            return None
        self.take(b"(")
        kind = self.string()
        self.take(b" ")
        found = (kind, self.parameters())
        self.take(b")")
        return found

    def language(self) -> list[bytes] | None:
        if not self.peek(b"("):
            one = self.nstring()
            return None if one is None else [one]
        self.take(b"(")
        found = [self.string()]
        while self.peek(b" "):
            self.take(b" ")
            found.append(self.string())
        self.take(b")")
        return found

    def tail(self, found: dict[str, Any]) -> None:
        self.take(b" ")
        found["disposition"] = self.disposition()
        self.take(b" ")
        found["language"] = self.language()
        self.take(b" ")
        found["location"] = self.nstring()

    def body(self, extended: bool) -> dict[str, Any]:
        self.take(b"(")
        found: dict[str, Any] = {}
        if self.peek(b"("):
            parts: list[dict[str, Any]] = []
            while self.peek(b"("):
                parts.append(self.body(extended))
            self.take(b" ")
            found |= {"type": b"multipart", "subtype": self.string(), "parts": parts}
            if extended:
                self.take(b" ")
                found["parameters"] = self.parameters()
                self.tail(found)
            self.take(b")")
            return found
        found["type"] = self.string()
        assert found["type"].lower() != b"multipart", "a multipart without parts"
        self.take(b" ")
        found["subtype"] = self.string()
        self.take(b" ")
        found["parameters"] = self.parameters()
        for name in ("id", "description"):
            self.take(b" ")
            found[name] = self.nstring()
        self.take(b" ")
        found["encoding"] = self.string()
        self.take(b" ")
        found["octets"] = self.number()
        kind = found["type"].lower()
        if kind == b"message" and found["subtype"].lower() in (b"rfc822", b"global"):
            self.take(b" ")
            found["envelope"] = self.envelope()
            self.take(b" ")
            found["body"] = self.body(extended)
            self.take(b" ")
            found["lines"] = self.number()
        elif kind == b"text":
            self.take(b" ")
            found["lines"] = self.number()
        if extended:
            self.take(b" ")
            found["md5"] = self.nstring()
            self.tail(found)
        self.take(b")")
        return found
