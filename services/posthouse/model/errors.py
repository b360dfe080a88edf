"""Errors that know their wire answer.

A MailError carries what every protocol needs: temporary or permanent, the SMTP reply code, the enhanced status code
(RFC 3463), a text that may be shown to the other side, and a reason that may not. Each protocol maps the *class* to
its wire in one table (protocol/smtp/replies.py, protocol/imap/responses/errors.py); nothing else invents codes.
"""

from __future__ import annotations


class MailError(Exception):
    """`code` 4xx is temporary, 5xx permanent. `public` goes over the wire; `reason` only to logs."""

    code: int = 451
    enhanced: str = "4.3.0"
    public: str = "Temporary failure, please try again later"

    def __init__(
        self, reason: str = "", *, public: str | None = None, code: int | None = None, enhanced: str | None = None
    ) -> None:
        super().__init__(reason or public or self.public)
        self.reason = reason
        if public is not None:
            self.public = public
        if code is not None:
            self.code = code
        if enhanced is not None:
            self.enhanced = enhanced

    @property
    def temporary(self) -> bool:
        return self.code // 100 == 4


class Unavailable(MailError):
    """A part that is needed cannot be reached or did not answer in time. Nothing is known to have changed."""

    public = "Service temporarily unavailable, please try again later"


class OutcomeUnknown(Unavailable):
    """A commit was sent and its fate could not be established in time. IMAP says BYE, delivery parks; never NO."""


class Lagging(MailError):
    """The stage behind is further behind than its bound: the edge pushes back."""

    enhanced = "4.3.2"
    public = "Too busy, please try again later"


class NoSuchDomain(MailError):
    code, enhanced, public = 550, "5.1.2", "This host does not receive mail for that domain"


class RelayDenied(MailError):
    code, enhanced, public = 550, "5.7.1", "relay is not configured"


class NoSuchUser(MailError):
    code, enhanced, public = 550, "5.1.1", "No such user here"


class Disabled(MailError):
    code, enhanced, public = 550, "5.2.1", "Mailbox disabled, not accepting messages"


class OverQuota(MailError):
    code, enhanced, public = 452, "4.2.2", "Mailbox is over its quota"


class NotPermitted(MailError):
    code, enhanced, public = 550, "5.7.1", "Not permitted"


class RateLimited(MailError):
    code, enhanced, public = 451, "4.7.1", "Too many messages, please slow down"


class AuthenticationFailed(MailError):
    code, enhanced, public = 535, "5.7.8", "Authentication credentials invalid"


class AuthenticationThrottled(MailError):
    code, enhanced, public = 454, "4.7.0", "Too many failed attempts, try again later"


class NoSuchMailbox(MailError):
    code, enhanced, public = 550, "5.2.0", "No such mailbox"


class MailboxExists(MailError):
    code, enhanced, public = 550, "5.2.0", "A mailbox of that name exists"


class MailboxRefused(MailError):
    """The name or the operation is not allowed on this mailbox (INBOX, children left, name too long…)."""

    code, enhanced, public = 550, "5.2.0", "That cannot be done with this mailbox"


class NoSuchAccount(MailError):
    code, enhanced, public = 550, "5.1.1", "No such account"


class AlreadyExists(MailError):
    """Directory: the domain or address is taken."""

    code, enhanced, public = 550, "5.3.0", "It exists already"


class NotFound(MailError):
    """Directory and stores: what was named is not there."""

    code, enhanced, public = 550, "5.3.0", "Not found"


class Invalid(MailError):
    """The input itself is wrong; repeating it will not help. In a consumer: poison, to the DLQ at once."""

    code, enhanced, public = 550, "5.6.0", "Invalid input"


class BlobMissing(MailError):
    """The octets are not where they must be. Never expected; loud where it happens."""

    public = "Message content temporarily unavailable"
