"""Every SMTP reply of the platform, named once: code, enhanced status code (RFC 3463) and text.

Invariants: a reply is one line of printable ASCII, whatever text an error brought along; codes are chosen here or by a
`MailError`, nowhere else. Multi-line replies exist only for EHLO (`greeting`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from posthouse.model.errors import (
    Invalid,
    MailError,
    NoSuchAccount,
    NoSuchDomain,
    NoSuchMailbox,
    NoSuchUser,
)
from posthouse.model.ids import QueueId

_MAX_TEXT: Final = 400
"""Octets of text. RFC 5321 §4.5.3.1.5 allows 512 for the whole line."""
_UNPRINTABLE: Final = re.compile(r"[^ -~]+")


@dataclass(frozen=True, slots=True)
class Reply:
    """`enhanced` is empty where RFC 2034 has none (220, 354, 334 and the greeting)."""

    code: int
    enhanced: str
    text: str
    wire: bytes = field(init=False, repr=False, compare=False)
    """The line with its CRLF, made once."""

    def __post_init__(self) -> None:
        text = _UNPRINTABLE.sub(" ", self.text)[:_MAX_TEXT]
        line = f"{self.code} {self.enhanced} {text}" if self.enhanced else f"{self.code} {text}"
        object.__setattr__(self, "wire", line.encode("ascii") + b"\r\n")

    @property
    def positive(self) -> bool:
        """2yz or 3yz."""
        return self.code < 400


class Refused(Exception):
    """A command was refused with this reply; the connection goes on."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply)
        self.reply = reply


# -- positive ---------------------------------------------------------------------------------------------------------
OK: Final = Reply(250, "2.0.0", "Ok")
RESET: Final = Reply(250, "2.0.0", "Ok, forgotten")
SENDER_OK: Final = Reply(250, "2.1.0", "Sender ok")
RCPT_OK: Final = Reply(250, "2.1.5", "Recipient ok")
CANNOT_VERIFY: Final = Reply(252, "2.5.0", "Cannot verify, will take the message and try")
HELP: Final = Reply(214, "2.0.0", "EHLO HELO MAIL RCPT DATA RSET NOOP QUIT VRFY HELP STARTTLS AUTH; see RFC 5321")
START_DATA: Final = Reply(354, "", "Go ahead, end with <CRLF>.<CRLF>")
START_TLS: Final = Reply(220, "2.0.0", "Ready to start TLS")
BYE: Final = Reply(221, "2.0.0", "Bye")
AUTHENTICATED: Final = Reply(235, "2.7.0", "Authentication successful")
AUTH_EMPTY_CHALLENGE: Final = Reply(334, "", "")
AUTH_USERNAME: Final = Reply(334, "", "VXNlcm5hbWU6")
AUTH_PASSWORD: Final = Reply(334, "", "UGFzc3dvcmQ6")


def refused_by_policy(reasons: Sequence[str]) -> Reply:
    """What every recipient's policy refuses. The reasons are our own words, never the message's."""
    return Reply(550, "5.7.1", f"Message refused by policy: {', '.join(reasons)}")


# -- the connection ends ----------------------------------------------------------------------------------------------
CLOSING: Final = Reply(421, "4.3.2", "Service is going down, please come back")
TIMED_OUT: Final = Reply(421, "4.4.2", "Waited too long, closing the connection")
TOO_MANY_CONNECTIONS: Final = Reply(421, "4.7.0", "Too many connections")
TOO_MANY_CONNECTIONS_FROM_YOU: Final = Reply(421, "4.7.0", "Too many connections from your address")
TOO_MANY_MESSAGES: Final = Reply(421, "4.7.0", "Too many messages in one connection, please open another")
TOO_MANY_ERRORS: Final = Reply(421, "4.7.0", "Too many errors, closing the connection")
TOO_MANY_IDLE_COMMANDS: Final = Reply(421, "4.7.0", "Too many commands without a message")
NOT_SMTP: Final = Reply(421, "4.7.0", "This is SMTP, not HTTP")
TOO_MUCH_DATA: Final = Reply(552, "5.3.4", "Message far above the size limit, closing the connection")
KICKED: Final = Reply(421, "4.3.0", "Closed by the administrator")
CRASHED: Final = Reply(421, "4.3.0", "Internal error, please try again later")

# -- syntax and order (RFC 5321 §4.3.2) -------------------------------------------------------------------------------
UNKNOWN_COMMAND: Final = Reply(500, "5.5.2", "Command not recognized")
BARE_LF_COMMAND: Final = Reply(500, "5.5.2", "Commands end in CRLF, not in a bare LF")
COMMAND_TOO_LONG: Final = Reply(500, "5.5.6", "Command line too long")
NOT_ASCII: Final = Reply(500, "5.5.2", "Only printable ASCII here")
SYNTAX: Final = Reply(501, "5.5.4", "Syntax error in the argument")
NEEDS_HOST: Final = Reply(501, "5.5.4", "Say your host name: EHLO host.example.org")
NO_ARGUMENT: Final = Reply(501, "5.5.4", "This command takes no argument")
MAIL_SYNTAX: Final = Reply(501, "5.5.4", "Syntax: MAIL FROM:<address> [parameters]")
RCPT_SYNTAX: Final = Reply(501, "5.5.4", "Syntax: RCPT TO:<address> [parameters]")
BAD_SENDER: Final = Reply(501, "5.1.7", "Bad sender address syntax")
BAD_RCPT: Final = Reply(501, "5.1.3", "Bad recipient address syntax")
PATH_TOO_LONG: Final = Reply(501, "5.1.3", "Address too long")
NOT_OFFERED: Final = Reply(502, "5.5.1", "Command not offered here")
GREET_FIRST: Final = Reply(503, "5.5.1", "Say EHLO first")
NESTED_MAIL: Final = Reply(503, "5.5.1", "Sender already given")
MAIL_FIRST: Final = Reply(503, "5.5.1", "Say MAIL first")
RCPT_FIRST: Final = Reply(503, "5.5.1", "Say RCPT first")
NO_VALID_RCPTS: Final = Reply(554, "5.5.1", "No valid recipients")
NOT_NOW: Final = Reply(503, "5.5.1", "Not during a transaction")
BAD_PARAMETER: Final = Reply(501, "5.5.4", "Bad value of a parameter")
UNKNOWN_PARAMETER: Final = Reply(555, "5.5.4", "Parameter not recognized")
NON_ASCII_ADDRESS: Final = Reply(553, "5.6.7", "Internationalized addresses are not offered here")

# -- TLS and AUTH (RFC 3207, RFC 4954) --------------------------------------------------------------------------------
TLS_ALREADY: Final = Reply(503, "5.5.1", "TLS is active already")
AUTH_FIRST: Final = Reply(530, "5.7.0", "Authentication required")
AUTH_ALREADY: Final = Reply(503, "5.5.1", "Authenticated already")
AUTH_NEEDS_TLS: Final = Reply(538, "5.7.11", "Encryption required for authentication")
AUTH_UNKNOWN_MECHANISM: Final = Reply(504, "5.5.4", "Mechanism not offered")
AUTH_CANCELLED: Final = Reply(501, "5.7.0", "Authentication cancelled")
AUTH_MALFORMED: Final = Reply(501, "5.5.2", "Cannot decode the response")
AUTH_TOO_LONG: Final = Reply(500, "5.5.6", "Authentication exchange line is too long")

# -- limits and policy ------------------------------------------------------------------------------------------------
TOO_MANY_RCPTS: Final = Reply(452, "4.5.3", "Too many recipients, send another copy for the rest")
SIZE_EXCEEDED: Final = Reply(552, "5.3.4", "Message size exceeds the limit")
NO_MEMORY: Final = Reply(452, "4.3.1", "Too many large messages at once, please try again later")
LINE_TOO_LONG: Final = Reply(550, "5.6.0", "A line of the message is too long")
BARE_CR_OR_LF: Final = Reply(550, "5.6.11", "Message contains a bare CR or LF")
MAIL_LOOP: Final = Reply(554, "5.4.6", "Too many hops, this message is looping")
NO_FROM: Final = Reply(550, "5.6.0", "The message needs exactly one From field with an address")
BAD_AUTHOR: Final = Reply(550, "5.6.0", "From and Sender need complete addresses, and Sender only one")
HEADER_TOO_LONG: Final = Reply(550, "5.6.0", "The header is too long")
NOT_YOUR_ADDRESS: Final = Reply(550, "5.7.1", "Sender address does not belong to your login")
NOT_YOUR_FROM: Final = Reply(550, "5.7.1", "An address in From or Sender does not belong to your login")
DEADLINE: Final = Reply(451, "4.3.0", "Could not be stored in time, please try again later")

_PERMANENT_FALLBACK: Final = Reply(554, "5.3.0", "Transaction failed")

_BY_ERROR: Final[dict[type[MailError], Reply]] = {
    # Errors whose own text speaks of the platform's inside, or whose code fits another protocol better.
    NoSuchAccount: Reply(550, "5.1.1", NoSuchUser.public),
    NoSuchMailbox: Reply(550, "5.2.0", NoSuchUser.public),
    NoSuchDomain: Reply(550, "5.7.1", "Relay access denied"),
}


def queued(queue_id: QueueId) -> bytes:
    """The line that promises: only after the message is durable."""
    return b"250 2.0.0 Ok: queued as %b\r\n" % queue_id.encode()


def banner(hostname: str) -> bytes:
    return f"220 {hostname} ESMTP Posthouse\r\n".encode("ascii")


def hello(hostname: str) -> bytes:
    """The answer to HELO."""
    return f"250 {hostname}\r\n".encode("ascii")


def greeting(hostname: str, keywords: Iterable[str]) -> bytes:
    """The answer to EHLO (RFC 5321 §4.1.1.1), all lines in one piece."""
    lines = [hostname, *keywords]
    return "".join(f"250{'-' if n < len(lines) else ' '}{line}\r\n" for n, line in enumerate(lines, 1)).encode("ascii")


def reply_to(error: MailError) -> Reply:
    """The one mapping from errors to replies: an entry of the table for the class, else what the error itself says."""
    known = _BY_ERROR.get(type(error))
    if known is not None:
        return known
    if not 400 <= error.code <= 599 or error.enhanced[:1] != str(error.code // 100):
        return DEADLINE if error.temporary else _PERMANENT_FALLBACK
    if isinstance(error, Invalid) and error.public == Invalid.public:
        return _PERMANENT_FALLBACK
    return Reply(error.code, error.enhanced, error.public)
