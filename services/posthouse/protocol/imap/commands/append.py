"""APPEND (RFC 3501 §6.3.11)."""

import re
from calendar import timegm
from dataclasses import dataclass, field

from posthouse.model.flags import NO_FLAGS, Flags
from posthouse.protocol.imap.commands.flags import client_flags
from posthouse.protocol.imap.lexer import BadSyntax, Lexer

_MONTHS = {
    name: number
    for number, name in enumerate(
        (b"JAN", b"FEB", b"MAR", b"APR", b"MAY", b"JUN", b"JUL", b"AUG", b"SEP", b"OCT", b"NOV", b"DEC"), 1
    )
}
_DATE_TIME = re.compile(rb"([ \d]\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")


@dataclass(frozen=True, slots=True)
class Append:
    mailbox: str
    message: bytes = field(repr=False)
    flags: Flags = NO_FLAGS
    internaldate: int | None = None
    """Seconds since the epoch; None = now."""


def parse(lexer: Lexer) -> Append:
    lexer.space()
    mailbox = lexer.mailbox()
    lexer.space()
    flags = NO_FLAGS
    if lexer.peek() == b"(":
        flags = client_flags(lexer.flag_list())
        lexer.space()
    internaldate: int | None = None
    if lexer.peek()[:1] == b'"':
        internaldate = parse_date_time(lexer.string())
        lexer.space()
    if lexer.peek()[:1] != b"{":
        raise BadSyntax("Expected a literal")
    message = lexer.string()
    if not message:
        # RFC 3502 §6.3.11 uses the empty literal to abort; no message is empty.
        raise BadSyntax("Empty message")
    if b"\0" in message:
        raise BadSyntax("NUL in a message")  # RFC 3501 §9: literal holds CHAR8, which is %x01-ff
    return Append(mailbox, message, flags, internaldate)


def parse_date_time(raw: bytes) -> int:
    """`date-time` → seconds since the epoch."""
    match = _DATE_TIME.fullmatch(raw)
    month = _MONTHS.get(match[2].upper()) if match else None
    if match is None or month is None:
        raise BadSyntax("Not a date-time")
    day, year = int(match[1]), int(match[3])
    hour, minute, second = int(match[4]), int(match[5]), int(match[6])
    zone = (int(match[8]) * 60 + int(match[9])) * 60
    if not (1 <= day <= 31 and hour < 24 and minute < 60 and second <= 60 and zone < 86_400 and year >= 1):
        raise BadSyntax("Not a date-time")
    return timegm((year, month, day, hour, minute, second)) - (zone if match[7] == b"+" else -zone)
