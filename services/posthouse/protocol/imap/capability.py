"""What the server says it can do, by state of the connection (RFC 3501 §6.1.1, §7.2.1)."""

from __future__ import annotations

_ALWAYS = "IMAP4rev1 LITERAL+ SASL-IR ID ENABLE"
_AFTER_LOGIN = "IDLE UIDPLUS MOVE NAMESPACE SPECIAL-USE CREATE-SPECIAL-USE UNSELECT CONDSTORE CHILDREN"

ENABLEABLE = frozenset({"CONDSTORE"})
"""RFC 5161: what ENABLE may switch on."""


def capabilities(*, authenticated: bool, starttls: bool, login: bool, append_limit: int) -> bytes:
    """`starttls`: TLS can be started now. `login`: passwords may be sent now; else LOGINDISABLED (RFC 3501 §6.2.3).
    `append_limit`: octets of the largest message, the same for all mailboxes (RFC 7889 §2)."""
    if authenticated:
        return f"{_ALWAYS} {_AFTER_LOGIN} APPENDLIMIT={append_limit}".encode("ascii")
    words = [_ALWAYS]
    if starttls:
        words.append("STARTTLS")
    words.append("AUTH=PLAIN" if login else "LOGINDISABLED")
    return " ".join(words).encode("ascii")
