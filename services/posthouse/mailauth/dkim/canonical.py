"""Canonicalisation (RFC 6376 §3.4), by octet searches at C speed; no line is touched by Python code.

Lines end in CRLF here. WSP is SP and HTAB, nothing else. What holds: each body function is idempotent, and each result
is empty or ends in CRLF (simple is never empty). tests/unit/mailauth/dkim holds them against a slow reading of the RFC.
"""

from __future__ import annotations


def relaxed_header(name: bytes, value: bytes) -> bytes:
    """RFC 6376 §3.4.2, without the CRLF behind it. `name` in lower case, `value` all that follows the colon."""
    if b"\r\n" in value:
        value = value.replace(b"\r\n", b"")
    if b"\t" in value:
        value = value.replace(b"\t", b" ")
    while b"  " in value:
        value = value.replace(b"  ", b" ")
    return name + b":" + value.strip(b" ")


def simple_body(body: bytes) -> bytes:
    """RFC 6376 §3.4.3: empty lines at the end become one CRLF; an empty body is CRLF."""
    return body[: _text_end(body)] + b"\r\n"


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376 §3.4.4: WSP runs become one SP, WSP at line ends and empty lines at the end go; empty stays empty."""
    if b"\t" in body:
        body = body.replace(b"\t", b" ")
    if b" " in body:  # base64 has none: one octet is found twenty times faster than two
        while b"  " in body:  # halves the longest run each time
            body = body.replace(b"  ", b" ")
        if b" \r\n" in body:
            body = body.replace(b" \r\n", b"\r\n")
        if body.endswith(b" "):
            body = body[:-1]
    end = _text_end(body)
    if end == 0:
        return b""
    return body if end == len(body) - 2 and body.endswith(b"\r\n") else body[:end] + b"\r\n"


def _text_end(body: bytes) -> int:
    """Offset behind the last octet that is not of the CRLFs at the end."""
    if not body.endswith(b"\r\n"):
        return len(body)
    start = len(body.rstrip(b"\r\n"))
    # The tail holds CR and LF only. It alternates from behind the last equal pair on; there the CRLFs begin.
    pair = max(body.rfind(b"\r\r", start), body.rfind(b"\n\n", start))
    if pair >= 0:
        start = pair + 1
    return start + 1 if body.startswith(b"\n", start) else start
