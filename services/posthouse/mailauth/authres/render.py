"""Writes our Authentication-Results (RFC 8601 §2.2): what was found out, in the order in which it was looked at.

Everything that comes from outside (domains, identities, selectors, reasons, logins) is either a token of printable
US-ASCII or stands in quotes or in a comment, cleaned of controls and cut to a length: no identity ends a value, begins
another result or breaks a line. Nor does it fool a filter that only searches for `dmarc=pass`, as people's filters do:
behind the name of a method, an = from outside is written as ?.

Lines are folded at 78 columns wherever there is a space; a name alone may be longer, never as long as 998.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from posthouse.model.authentication import (
    ArcResult,
    AuthenticationResults,
    AuthResult,
    BimiResult,
    DkimResult,
    DmarcResult,
    IprevResult,
    SpfResult,
)

FIELD: Final = "Authentication-Results"
WIDTH: Final = 78
"""Columns of a line without its CRLF (RFC 5322 §2.1.1)."""
MAX_TEXT: Final = 200
"""Characters of a reason or comment."""
MAX_NAME: Final = 320
"""Characters of a value: a local part, an @ and a domain."""
MAX_SIGNATURES: Final = 10
"""DKIM signatures that are reported; the first ones."""

_TOKEN = re.compile(r"[!#$%&'*+.0-9A-Z^_`a-z{|}~-]+")
_ADDRESS = re.compile(r"(?:[!#$%&'*+0-9A-Z^_`a-z{|}~=/?-]+(?:\.[!#$%&'*+0-9A-Z^_`a-z{|}~=/?-]+)*)?@[0-9A-Za-z._-]+")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")
_SPACES = re.compile(r" {2,}")
_LOOKALIKE = re.compile(r"(auth|spf|dkim|arc|dmarc|iprev|bimi)( *)=", re.IGNORECASE)
_IN_QUOTES = re.compile(r'(["\\])')
_IN_COMMENT = re.compile(r"([()\\])")


def render_field(results: AuthenticationResults, authserv_id: str, *, login: str = "") -> bytes:
    """The whole field, folded, with its CRLF. `login`: who submitted the message, if somebody logged in for it."""
    lines = [f"{FIELD}: {_value(authserv_id)};"]
    parts = _parts(results, login)
    last = len(parts) - 1
    for place, part in enumerate(parts):
        _fold(part if place == last else part + ";", lines)
    return ("\r\n".join(lines) + "\r\n").encode("ascii")


def render_value(results: AuthenticationResults, authserv_id: str, *, login: str = "") -> str:
    """What follows the colon, unfolded; ARC-Authentication-Results repeat it behind their i= (RFC 8617 §4.1.1)."""
    return f"{_value(authserv_id)}; {'; '.join(_parts(results, login))}"


def _fold(part: str, lines: list[str]) -> None:
    """Appends a part as lines of at most WIDTH columns; each begins with the space it was folded at."""
    room = WIDTH - 1
    while len(part) > room:
        # The last space that still leaves a line within the width; for a word that is longer, the one behind it.
        at = part.rfind(" ", 1, room + 1)
        if at < 0:
            at = part.find(" ", room)
            if at < 0:
                break
        lines.append(" " + part[:at])
        part = part[at + 1 :]
    lines.append(" " + part)


def _parts(results: AuthenticationResults, login: str) -> list[str]:
    parts: list[str] = []
    if login:
        parts.append(f"auth=pass smtp.auth={_address(login)}")  # RFC 8601 §2.7.4
    if results.iprev is not None:
        parts.append(_iprev(results.iprev))
    if results.helo is not None:
        parts.append(_spf(results.helo, "helo"))
    if results.spf is not None:
        parts.append(_spf(results.spf, "mailfrom"))
    signatures = results.dkim[:MAX_SIGNATURES]
    parts += [_dkim(signature) for signature in signatures]
    if len(signatures) < len(results.dkim):
        parts[-1] += f" ({len(results.dkim) - len(signatures)} more)"
    if results.arc is not None:
        parts.append(_arc(results.arc))
    if results.dmarc is not None or results.overrides:
        parts.append(_dmarc(results.dmarc, results.overrides))
    if results.bimi is not None:
        parts.append(_bimi(results.bimi))
    return parts or ["none"]


def _spf(spf: SpfResult, name: str) -> str:
    """RFC 8601 §2.7.2. The domain alone: the whole address stands in Return-Path."""
    text = f"spf={spf.result.value}{_comment(spf.mechanism)}{_reason(spf.reason)}"
    return f"{text} smtp.{name}={_value(spf.domain)}" if spf.domain else text


def _dkim(dkim: DkimResult) -> str:
    """RFC 8601 §2.7.1; header.b tells signatures of one domain apart (RFC 6008 §4)."""
    notes = []
    if dkim.key_bits:
        notes.append(f"{dkim.key_bits}-bit key")
    if dkim.testing:
        notes.append("testing")
    if dkim.partial_body:
        notes.append("body signed in part")
    text = f"dkim={dkim.result.value}{_comment(', '.join(notes))}{_reason(dkim.reason)}"
    if dkim.domain:
        text += f" header.d={_value(dkim.domain)}"
    if dkim.identity:
        text += f" header.i={_address(dkim.identity)}"
    if dkim.selector:
        text += f" header.s={_value(dkim.selector)}"
    if dkim.algorithm:
        text += f" header.a={_value(dkim.algorithm)}"
    if dkim.signature_start:
        text += f" header.b={_value(dkim.signature_start)}"
    return text


def _arc(arc: ArcResult) -> str:
    notes = []
    if arc.instances:
        notes.append(f"i={arc.instances}")
    notes += arc.sealers
    text = f"arc={arc.result.value}{_comment(' '.join(notes))}{_reason(arc.reason)}"
    return f"{text} header.oldest-pass={arc.oldest_pass}" if arc.result is AuthResult.PASS else text


def _dmarc(dmarc: DmarcResult | None, overrides: tuple[str, ...]) -> str:
    if dmarc is None:
        text = "dmarc=none"
    else:
        text = f"dmarc={dmarc.result.value}{_comment('testing' if dmarc.testing else '')}{_reason(dmarc.reason)}"
        if dmarc.author_domain:
            text += f" header.from={_value(dmarc.author_domain)}"
        if dmarc.policy_domain:
            text += f" policy.dmarc={dmarc.policy.value}"
    return text + "".join([f" policy.override={_value(override)}" for override in overrides])


def _iprev(iprev: IprevResult) -> str:
    """RFC 8601 §2.7.3."""
    text = f"iprev={iprev.result.value}{_comment(iprev.name)}"
    return f"{text} policy.iprev={_value(iprev.address)}" if iprev.address else text


def _bimi(bimi: BimiResult) -> str:
    text = f"bimi={bimi.result.value}"
    if bimi.domain:
        text += f" header.d={_value(bimi.domain)} header.selector={_value(bimi.selector)}"
    if bimi.authority:
        text += f" policy.authority-uri={_value(bimi.authority)}"
    return text


def _reason(text: str) -> str:
    return f" reason={_value(text[:MAX_TEXT])}" if text else ""


def _comment(text: str) -> str:
    text = text and _clean(text[:MAX_TEXT])
    return " (" + _IN_COMMENT.sub(r"\\\1", text) + ")" if text else ""


@lru_cache(maxsize=2048)  # the same domains and selectors, day after day; each of bounded length
def _word(text: str) -> str:
    """A token where it is one, else a quoted string. A token has no =."""
    return text if _TOKEN.fullmatch(text) else '"' + _IN_QUOTES.sub(r"\\\1", _clean(text)) + '"'


def _value(text: str) -> str:
    return _word(text if len(text) <= MAX_NAME else text[:MAX_NAME])


def _address(text: str) -> str:
    """`local@domain` and `@domain` may stand bare, where nothing in them needs quotes."""
    if len(text) <= MAX_NAME and _ADDRESS.fullmatch(text):
        return _LOOKALIKE.sub(r"\1?", text) if "=" in text else text
    return _value(text)


def _clean(text: str) -> str:
    """Printable US-ASCII, words with one space between, so that folding gives it back; nothing like a result."""
    text = _SPACES.sub(" ", _UNPRINTABLE.sub("?", text)).strip(" ")
    return _LOOKALIKE.sub(r"\1\2?", text) if "=" in text else text
