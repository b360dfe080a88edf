"""The author's domains: what stands behind the @ in the From field (RFC 9989 §5.3.1)."""

from __future__ import annotations

from posthouse.mailauth.dkim.message import SignedMessage
from posthouse.mailauth.domains import a_labels
from posthouse.protocol.mime.addresses import addresses
from posthouse.protocol.mime.header import unfold

MAX_AUTHORS = 4
"""Author domains that are judged (RFC 9989 §11.5 wants a limit)."""
MAX_FROM_FIELDS = 4
"""From fields that are read; RFC 5322 §3.6 allows one."""
MAX_FROM = 65_536
"""Octets of a From field that are read: reading costs a microsecond for each token."""


def author_domains(message: SignedMessage) -> tuple[tuple[str, ...], bool]:
    """The distinct domains as A-labels, in order, at most MAX_AUTHORS, and whether these are all: False when there are
    more, or when an address has no domain that could be looked up."""
    places = message.by_name.get(b"from", [])
    domains: dict[str, None] = {}
    complete = len(places) <= MAX_FROM_FIELDS
    for place in places[:MAX_FROM_FIELDS]:
        value = message.fields[place].value
        complete = complete and len(value) <= MAX_FROM
        for address in addresses(unfold(value[:MAX_FROM])):
            if address.host is None:
                continue  # a group's marker
            domain = a_labels(address.host.decode("utf-8", "replace"))
            if domain is None or "." not in domain:
                complete = False
            else:
                domains[domain] = None
    chosen = tuple(domains)[:MAX_AUTHORS]
    return chosen, complete and len(chosen) == len(domains)
