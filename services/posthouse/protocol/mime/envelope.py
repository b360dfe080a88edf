"""ENVELOPE, ready to send (RFC 3501 §7.4.2, RFC 9051 §7.5.2): written once at delivery, copied to the client by FETCH.

Values are sent as they stand in the header, unfolded: encoded words are the client's to decode, 8-bit octets go as
literals. Not here: the search of addresses, the text for people.
"""

from posthouse.protocol.mime.addresses import Address, addresses
from posthouse.protocol.mime.header import Headers
from posthouse.protocol.mime.nstring import nstring, string


def envelope(headers: Headers) -> bytes:
    """`(date subject from sender reply-to to cc bcc in-reply-to message-id)`.

    A field that is absent is NIL, one that is empty is an empty string, an address list without addresses is NIL.
    Sender and Reply-To default to From, also when they are empty. Of From, Sender and Reply-To the first field
    counts, of To, Cc and Bcc all do (RFC 5322 §4.5.3).
    """
    first = headers.first
    origin = _list(first(b"from"))
    sender = _list(first(b"sender"))
    reply_to = _list(first(b"reply-to"))
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        nstring(first(b"date")),
        nstring(first(b"subject")),
        origin,
        origin if sender == b"NIL" else sender,
        origin if reply_to == b"NIL" else reply_to,
        _list(b", ".join(headers.all(b"to"))),
        _list(b", ".join(headers.all(b"cc"))),
        _list(b", ".join(headers.all(b"bcc"))),
        nstring(first(b"in-reply-to")),
        nstring(first(b"message-id")),
    )


def _list(value: bytes | None) -> bytes:
    found = addresses(value) if value else []
    # RFC 9051 §9, env-from and its kin: NIL or at least one address, without spaces between.
    return b"(%b)" % b"".join(map(_address, found)) if found else b"NIL"


def _address(address: Address) -> bytes:
    name, route, mailbox, host = address
    return b"(%b %b %b %b)" % (
        b"NIL" if name is None else string(name),
        b"NIL" if route is None else string(route),
        b"NIL" if mailbox is None else string(mailbox),
        b"NIL" if host is None else string(host),
    )
