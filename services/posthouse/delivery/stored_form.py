"""The prefix: header lines that only this account's copy has, on top of the blob, which nobody rewrites. Pure.

Return-Path            RFC 5321 §4.4: put there by the system that makes the final delivery, once
Delivered-To           the account's own address
X-Original-To          the address as the sender gave it, where it is another one
X-Posthouse-Spam       the filter's score, verdict and reasons, where somebody judged
…                      what the filter adds, in its order
"""

from __future__ import annotations

import re
from typing import Final

from posthouse.model.envelope import Deliver
from posthouse.model.verdict import VerdictKind
from posthouse.verdicts.spam_header import SPAM, spam_value

WIDTH: Final = 78
"""Columns of a line that we add (RFC 5322 §2.1.1)."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_NAME = re.compile(r"[!-9;-~]+")


def prefix(deliver: Deliver) -> bytes:
    rcpt = deliver.rcpt
    lines = [f"Return-Path: <{_clean(deliver.reverse_path)}>\r\nDelivered-To: {_clean(rcpt.target)}\r\n"]
    if rcpt.address and rcpt.address.lower() != rcpt.target.lower():
        lines.append(f"X-Original-To: {_clean(rcpt.address)}\r\n")
    if deliver.verdict.kind is not VerdictKind.ACCEPT or deliver.verdict.reasons:
        lines.append(f"{SPAM}: {_clean(spam_value(deliver.verdict))}\r\n")
    for name, value in deliver.headers:
        if _NAME.fullmatch(name):
            lines.append(_folded(f"{name}: {_clean(value)}"))
    return "".join(lines).encode("utf-8", "replace")


def _folded(line: str) -> str:
    """In lines of at most WIDTH columns where there are spaces to break at (RFC 5322 §2.2.3), with the CRLF."""
    if len(line) <= WIDTH:
        return line + "\r\n"
    words = line.split()
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) > WIDTH and not lines[-1].endswith(":"):
            lines.append(" " + word)
        else:
            lines[-1] += " " + word
    return "\r\n".join(lines) + "\r\n"


def _clean(text: str) -> str:
    """No line of ours ever breaks: a control character in an address or a value would start a line of its own."""
    return _CONTROL.sub(" ", text) if _CONTROL.search(text) else text
