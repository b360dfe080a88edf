"""Command lines and their order: cutting a line into verb and argument, and which verb may come when.

The rules of order are the table `ALLOWED`; the server asks it before every verb and nothing else keeps state of that
kind. EHLO, HELO, RSET, QUIT, NOOP, VRFY and HELP may come at any time (RFC 5321 §4.1.4).
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from posthouse.protocol.smtp import replies
from posthouse.protocol.smtp.replies import Refused, Reply


class Phase(Enum):
    """How far the session is. A failed command leaves the phase as it was."""

    CONNECTED = "connected"
    """No EHLO or HELO yet (or again, after STARTTLS: RFC 3207 §4.2)."""
    GREETED = "greeted"
    MAIL = "mail"
    """MAIL was accepted, no RCPT yet."""
    RCPT = "rcpt"
    """At least one RCPT was accepted."""


COMMAND_LIMIT: Final = 512
"""Octets of a command line with its CRLF (RFC 5321 §4.5.3.1.4)."""
LIMITS: Final[dict[bytes, int]] = {
    # SIZE adds 26 (RFC 1870 §3), BODY 17 (RFC 6152 §2), AUTH 500 (RFC 4954 §3).
    b"MAIL": COMMAND_LIMIT + 26 + 17 + 500,
    b"RCPT": COMMAND_LIMIT + 500,
    b"AUTH": 12_288,  # RFC 4954 §4
}
LONGEST: Final = max(LIMITS.values())

_ANY_TIME: Final = frozenset({b"EHLO", b"HELO", b"RSET", b"QUIT", b"NOOP", b"VRFY", b"HELP"})
ALLOWED: Final[dict[Phase, frozenset[bytes]]] = {
    Phase.CONNECTED: _ANY_TIME | {b"STARTTLS"},
    Phase.GREETED: _ANY_TIME | {b"MAIL", b"STARTTLS", b"AUTH"},
    Phase.MAIL: _ANY_TIME | {b"RCPT"},
    Phase.RCPT: _ANY_TIME | {b"RCPT", b"DATA"},
}

_OUT_OF_ORDER: Final[dict[tuple[Phase, bytes], Reply]] = {
    (Phase.GREETED, b"RCPT"): replies.MAIL_FIRST,
    (Phase.GREETED, b"DATA"): replies.MAIL_FIRST,
    (Phase.MAIL, b"MAIL"): replies.NESTED_MAIL,
    (Phase.RCPT, b"MAIL"): replies.NESTED_MAIL,
    # A pipelining client has sent DATA before it saw its RCPTs refused (RFC 2920 §3.1).
    (Phase.MAIL, b"DATA"): replies.NO_VALID_RCPTS,
}


def out_of_order(phase: Phase, verb: bytes) -> Reply:
    """Why `verb` may not come in `phase`."""
    if phase is Phase.CONNECTED:
        return replies.GREET_FIRST
    return _OUT_OF_ORDER.get((phase, verb), replies.NOT_NOW)


def split_command(line: bytes) -> tuple[bytes, bytes]:
    """Verb in capitals and argument without surrounding blanks of a line that ends in LF.

    Refused when it does not end in CRLF (RFC 5321 §2.3.8: bare LF must not be taken for a line end; that is how
    commands are smuggled), holds another CR or NUL, or is too long for its verb.
    """
    if line[-2:] != b"\r\n":
        raise Refused(replies.BARE_LF_COMMAND)
    verb, _, argument = line[:-2].partition(b" ")
    verb = verb.upper()
    if len(line) > COMMAND_LIMIT and len(line) > LIMITS.get(verb, COMMAND_LIMIT):
        raise Refused(replies.COMMAND_TOO_LONG)
    if b"\r" in line[:-2] or b"\0" in line:
        raise Refused(replies.NOT_ASCII)
    return verb, argument.strip(b" \t")


def host_argument(argument: bytes) -> str:
    """The client's name in EHLO or HELO: any printable ASCII without blanks, since many clients send no domain.

    Refused when it is empty, holds a blank or something unprintable, or is longer than a domain may be.
    """
    if not argument or len(argument) > 255 or not argument.isascii():
        raise Refused(replies.NEEDS_HOST)
    text = argument.decode("ascii")
    if not text.isprintable() or " " in text:
        raise Refused(replies.NEEDS_HOST)
    return text
