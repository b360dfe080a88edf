"""BODY and BODYSTRUCTURE, ready to send (RFC 3501 §7.4.2, RFC 9051 §7.5.2), from the scanned tree.

Types, encodings and parameter names go in lower case, values as they stand. Nested messages carry their own ENVELOPE.
"""

from posthouse.protocol.mime.envelope import envelope
from posthouse.protocol.mime.header import Headers
from posthouse.protocol.mime.nstring import nstring, string
from posthouse.protocol.mime.parameters import Parameters
from posthouse.protocol.mime.scan import Part


def body(part: Part) -> bytes:
    """The form without extension data, for FETCH BODY."""
    return both(part)[0]


def bodystructure(part: Part) -> bytes:
    """The form with extension data, for FETCH BODYSTRUCTURE."""
    return both(part)[1]


def both(part: Part) -> tuple[bytes, bytes]:
    """(body, bodystructure) in one walk: they share all but the tails."""
    if part.children:
        rendered = [both(child) for child in part.children]
        subtype = string(part.subtype)
        return (
            b"(%b %b)" % (b"".join(short for short, _ in rendered), subtype),
            b"(%b %b %b %b)"
            % (b"".join(long for _, long in rendered), subtype, _parameters(part.parameters), _tail(part)),
        )
    short = long = b"%b %b %b %b %b %b %d" % (
        string(part.maintype),
        string(part.subtype),
        _parameters(part.parameters),
        nstring(part.content_id),
        nstring(part.description),
        string(part.encoding),
        part.end - part.body,
    )
    if part.message is not None:
        nested = part.message
        inner = both(nested)
        about = envelope(Headers(nested.header))
        short = b"%b %b %b" % (short, about, inner[0])
        long = b"%b %b %b" % (long, about, inner[1])
    if part.lines is not None:
        short = b"%b %d" % (short, part.lines)
        long = b"%b %d" % (long, part.lines)
    return b"(%b)" % short, b"(%b %b %b)" % (long, nstring(part.md5), _tail(part))


def _tail(part: Part) -> bytes:
    """Disposition, language, location: the end of both extension forms."""
    language = part.language
    if not language:
        tags = b"NIL"
    elif len(language) == 1:
        tags = string(language[0])
    else:
        tags = b"(%b)" % b" ".join(map(string, language))
    if part.disposition is None:
        shown = b"NIL"
    else:
        shown = b"(%b %b)" % (string(part.disposition[0]), _parameters(part.disposition[1]))
    return b"%b %b %b" % (shown, tags, nstring(part.location))


def _parameters(parameters: Parameters) -> bytes:
    if not parameters:
        return b"NIL"
    return b"(%b)" % b" ".join([b"%b %b" % (string(name), string(value)) for name, value in parameters])
