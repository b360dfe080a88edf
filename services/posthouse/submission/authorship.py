"""Who a message says it is from, read strictly: what a mail client would show must be what was checked.

A header that leaves room for two readings (two From fields, an address without domain, more octets than are read) is
refused; a client of ours has no reason to write one. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from posthouse.model.address import Address, parse_address, quoted_local
from posthouse.model.errors import Invalid
from posthouse.protocol.mime.addresses import MAX_ADDRESSES, MISSING_DOMAIN, MISSING_MAILBOX, addresses
from posthouse.protocol.mime.header import MAX_HEADER, Headers
from posthouse.protocol.smtp import replies
from posthouse.protocol.smtp.replies import Refused


def claimed_authors(header: bytes, fields: Headers) -> Sequence[Address]:
    """Every address of From and Sender (RFC 5322 §3.6.2). Refused unless there is exactly one From with at least one
    address, at most one Sender with exactly one, and every address is complete."""
    if len(header) > MAX_HEADER:
        raise Refused(replies.HEADER_TOO_LONG)
    senders = fields.all(b"from")
    if len(senders) != 1:
        raise Refused(replies.NO_FROM)
    authors = _addresses(senders[0])
    if not authors:
        raise Refused(replies.NO_FROM)
    sender = fields.all(b"sender")
    if len(sender) > 1:
        raise Refused(replies.BAD_AUTHOR)
    if sender:
        agent = _addresses(sender[0])
        if len(agent) != 1:
            raise Refused(replies.BAD_AUTHOR)
        authors += agent
    return authors


def _addresses(value: bytes) -> list[Address]:
    found: list[Address] = []
    read = addresses(value)
    if len(read) >= MAX_ADDRESSES:
        raise Refused(replies.BAD_AUTHOR)
    for each in read:
        if each.host is None:
            continue  # the marker of a group
        if each.mailbox is None or each.host == MISSING_DOMAIN or each.mailbox == MISSING_MAILBOX or each.route:
            raise Refused(replies.BAD_AUTHOR)
        try:
            found.append(parse_address(f"{quoted_local(each.mailbox.decode())}@{each.host.decode()}"))
        except (Invalid, UnicodeDecodeError) as error:
            raise Refused(replies.BAD_AUTHOR) from error
    return found
