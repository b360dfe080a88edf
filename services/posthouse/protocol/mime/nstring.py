"""IMAP strings for answers made ahead: NIL, quoted or literal (RFC 3501 §4.3, RFC 9051 §4.3).

The result is sent to clients of both revisions and with or without UTF8=ACCEPT, so 8-bit octets always go as a literal:
that is the one form which all of them read. NUL cannot be sent at all (RFC 3501 §9, CHAR8) and is left out.
"""

# What a quoted string holds unescaped: TEXT-CHAR less the two specials.
_PLAIN = bytes((0x09, *(c for c in range(0x20, 0x7F) if c not in b'"\\')))


def string(value: bytes) -> bytes:
    """The octets as a quoted string where one can hold them, else as a literal."""
    odd = value.translate(None, _PLAIN)
    if not odd:
        return b'"%b"' % value
    if not odd.strip(b'"\\'):
        return b'"%b"' % value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    if b"\0" in odd:
        return string(value.replace(b"\0", b""))
    return b"{%d}\r\n%b" % (len(value), value)


def nstring(value: bytes | None) -> bytes:
    """NIL for a value that is not there."""
    return b"NIL" if value is None else string(value)
