"""The header fields that a row keeps word for word, so that HEADER.FIELDS is answered without the blob.

A closed list: the union of what Thunderbird, mutt, NeoMutt, Apple Mail, K-9, Roundcube, Evolution, Outlook and SEARCH
ask for when they list a mailbox. The number of a name is stored in rows: append, never reorder, and never past 255.
"""

from collections.abc import Iterable

NAMES = (
    *(b"date", b"subject", b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc"),
    *(b"message-id", b"in-reply-to", b"references", b"newsgroups", b"mime-version"),
    *(b"content-type", b"content-transfer-encoding", b"content-description", b"content-disposition"),
    *(b"content-class", b"content-language", b"lines", b"priority", b"x-priority", b"importance", b"x-msmail-priority"),
    *(b"list-id", b"list-post", b"list-unsubscribe", b"list-unsubscribe-post", b"list-subscribe", b"list-help"),
    *(
        b"mail-followup-to",
        b"mail-reply-to",
        b"disposition-notification-to",
        b"return-receipt-to",
        b"resent-message-id",
    ),
    *(b"resent-from", b"resent-to", b"resent-date", b"return-path", b"x-original-to", b"delivered-to", b"x-label"),
    *(b"user-agent", b"x-mailer", b"x-draft-info", b"x-tuid", b"x-loop", b"x-beenthere", b"x-list", b"x-mailing-list"),
    *(b"mailing-list", b"originator", b"x-forwarded-message-id", b"x-calendar-attachment", b"auto-submitted"),
    *(b"x-spam-status", b"x-spam-flag", b"x-spam-score", b"x-k9mail-identity", b"chat-version"),
    *(b"x-uniform-type-identifier", b"x-universally-unique-identifier"),
)
NUMBERS = {name: number for number, name in enumerate(NAMES)}


def mask(names: Iterable[bytes]) -> int | None:
    """One bit per (lower-case) name; None when a row does not keep all of them."""
    bits = 0
    for name in names:
        number = NUMBERS.get(name)
        if number is None:
            return None
        bits |= 1 << number
    return bits
