"""Status responses: OK, NO, BAD, BYE, with a response code (RFC 3501 §7.1, RFC 5530)."""

from __future__ import annotations

import re

_UNSAFE = re.compile(rb"[^\x20-\x7e]+")


def ok(tag: bytes, text: bytes, code: bytes = b"") -> bytes:
    return b"%b OK [%b] %b\r\n" % (tag, code, text) if code else b"%b OK %b\r\n" % (tag, text)


def no(tag: bytes, text: bytes, code: bytes = b"") -> bytes:
    return b"%b NO [%b] %b\r\n" % (tag, code, text) if code else b"%b NO %b\r\n" % (tag, text)


def bad(tag: bytes, text: bytes, code: bytes = b"") -> bytes:
    """An empty tag makes it untagged."""
    return b"%b BAD [%b] %b\r\n" % (tag or b"*", code, text) if code else b"%b BAD %b\r\n" % (tag or b"*", text)


def bye(text: bytes, code: bytes = b"") -> bytes:
    return b"* BYE [%b] %b\r\n" % (code, text) if code else b"* BYE %b\r\n" % text


def continuation(text: bytes = b"OK") -> bytes:
    return b"+ %b\r\n" % text


def line_text(text: str) -> bytes:
    """Any text as one line of printable ASCII, never empty, never taken for a response code."""
    raw = _UNSAFE.sub(b" ", text.encode("ascii", "replace")).strip().lstrip(b"[")
    return raw[:400] or b"Failed"
