"""MailError → what IMAP says: the one table (RFC 3501 §7.1, RFC 5530 §3).

A subclass not listed answers as its nearest listed ancestor. What is said is the error's public text, never its reason.
"""

from __future__ import annotations

from posthouse.model import errors as e
from posthouse.protocol.imap.responses.status import bye, line_text, no

CODES: dict[type[e.MailError], bytes] = {
    e.MailError: b"SERVERBUG",
    e.Unavailable: b"UNAVAILABLE",
    e.Lagging: b"UNAVAILABLE",
    e.NoSuchDomain: b"NONEXISTENT",
    e.RelayDenied: b"NOPERM",
    e.NoSuchUser: b"NONEXISTENT",
    e.Disabled: b"CONTACTADMIN",
    e.OverQuota: b"OVERQUOTA",
    e.NotPermitted: b"NOPERM",
    e.RateLimited: b"LIMIT",
    e.AuthenticationFailed: b"AUTHENTICATIONFAILED",
    # RFC 5530 has no code for "too many attempts"; UNAVAILABLE is what tells a client not to ask for a new password.
    e.AuthenticationThrottled: b"UNAVAILABLE",
    e.NoSuchMailbox: b"NONEXISTENT",
    e.MailboxExists: b"ALREADYEXISTS",
    e.MailboxRefused: b"CANNOT",
    e.AlreadyExists: b"ALREADYEXISTS",
    e.NotFound: b"NONEXISTENT",
    e.Invalid: b"CANNOT",
    e.BlobMissing: b"CORRUPTION",
}

FATAL: dict[type[e.MailError], bytes] = {
    # The fate of a commit is not known: neither OK nor NO would be true. The client finds out when it comes back.
    e.OutcomeUnknown: b"UNAVAILABLE",
    e.NoSuchAccount: b"UNAVAILABLE",
}
"""These end the connection with BYE."""


def code_of(error: e.MailError) -> bytes:
    for kind in type(error).__mro__:
        if kind in CODES:
            return CODES[kind]
    return CODES[e.MailError]


def fatal(error: e.MailError) -> bytes | None:
    """The BYE for an error that ends the connection, else None."""
    for kind in type(error).__mro__:
        if kind in FATAL:
            return bye(line_text(error.public), FATAL[kind])
        if kind in CODES:
            return None
    return None


def refusal(tag: bytes, error: e.MailError, *, try_create: bool = False) -> bytes:
    """The NO. `try_create`: the command would work if the mailbox existed (RFC 3501 §6.3.11, §6.4.7)."""
    if try_create and isinstance(error, e.NoSuchMailbox):
        return no(tag, line_text(error.public), b"TRYCREATE")
    return no(tag, line_text(error.public), code_of(error))
