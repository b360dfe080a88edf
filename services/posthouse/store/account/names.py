"""Mailbox names: what is allowed, and the one form in which a name is kept (RFC 9051 §5.1)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from posthouse.model.errors import MailboxRefused
from posthouse.model.mailbox import INBOX, MAX_MAILBOX_NAME, SEPARATOR

MAX_DEPTH = 32


def known_form(name: str) -> str:
    """The form in which an existing mailbox of that name is listed; never raises. INBOX is matched in any case
    (RFC 9051 §5.1), also as the first level of a deeper name, so that INBOX has one subtree."""
    first, separator, rest = name.partition(SEPARATOR)
    if len(first) == 5 and first.upper() == INBOX and first != INBOX:
        name = INBOX + separator + rest
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def new_name(name: str) -> str:
    """The name under which a new mailbox is made. MailboxRefused says what is wrong with it.

    One trailing separator is dropped: it only declares that children will follow (RFC 9051 §6.3.4).
    """
    name = known_form(name.removesuffix(SEPARATOR))
    try:
        octets = len(name.encode())
    except UnicodeEncodeError as e:
        raise MailboxRefused("surrogate in a mailbox name", public="Mailbox name is not valid UTF-8") from e
    if not name or octets > MAX_MAILBOX_NAME:
        raise MailboxRefused(
            f"mailbox name of {octets} octets", public=f"Mailbox name must have 1 to {MAX_MAILBOX_NAME} octets"
        )
    parts = name.split(SEPARATOR)
    if "" in parts:
        raise MailboxRefused("empty level in a mailbox name", public="Mailbox name has an empty level")
    if len(parts) > MAX_DEPTH:
        raise MailboxRefused("mailbox name too deep", public=f"Mailbox name has more than {MAX_DEPTH} levels")
    # RFC 9051 §5.1: wildcards would make the mailbox unreachable by LIST; control characters break client displays.
    if any(c in "*%" or unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in name):
        raise MailboxRefused("forbidden character in a mailbox name", public="Mailbox name has a forbidden character")
    if name.startswith("#"):  # RFC 9051 §5.1.2.1 reserves it for namespaces
        raise MailboxRefused("mailbox name starts with #", public="Mailbox name must not start with #")
    return name


def parents(name: str) -> Iterator[str]:
    """Every level above `name`, topmost first."""
    at = name.find(SEPARATOR)
    while at >= 0:
        yield name[:at]
        at = name.find(SEPARATOR, at + 1)
