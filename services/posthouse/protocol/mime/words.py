"""Header text for people and for search: encoded words (RFC 2047, with the language tag of RFC 2231 §5), raw 8-bit
octets.

`decode_words` never raises: what cannot be decoded stays readable as replacement characters. ENVELOPE does not use
this: it sends encoded words as they are. Not done here: encoding.
"""

import binascii
import codecs
import re

_WORD = re.compile(rb"=\?([!-)+->@-~]{1,40})(?:\*[!->@-~]{0,40})?\?([bBqQ])\?([!->@-~ ]*)\?=")
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")
# Codecs that are no charset, or whose decoding is slow on purpose-made input.
_REFUSED = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
_BASE64_OTHER = re.compile(rb"[^A-Za-z0-9+/]+")


def decode_octets(octets: bytes, charset: str) -> str:
    """Octets in a named charset as text; an unknown charset is read as UTF-8, undecodable octets become U+FFFD."""
    try:
        codec = codecs.lookup(charset)
        if codec.name.replace("-", "_") in _REFUSED:
            return octets.decode("utf-8", "replace")
        return octets.decode(codec.name, "replace")
    except (LookupError, ValueError):
        # LookupError also for codecs from octets to octets (base64, zlib), ValueError for a NUL in the name.
        return octets.decode("utf-8", "replace")


def decode_raw(octets: bytes) -> str:
    """Octets without a declared charset: UTF-8 (RFC 6532) when they are that, else Windows-1252, as mail readers
    guess."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("cp1252", "replace")


def decode_words(value: bytes) -> str:
    """An unfolded header value as text. White space between two encoded words is dropped (RFC 2047 §6.2), and octets of
    neighbours in one charset are joined before decoding: real senders split characters over two words."""
    if b"=?" not in value:
        return value.decode("ascii") if value.isascii() else decode_raw(value)
    text: list[str] = []
    charset = ""
    pending: list[bytes] = []
    at = 0
    for word in _WORD.finditer(value):
        between = value[at : word.start()]
        name = word[1].decode("ascii").lower()
        if pending and (between.strip(b" \t\r\n") or name != charset):
            text.append(decode_octets(b"".join(pending), charset))
            pending.clear()
            if between.strip(b" \t\r\n"):
                text.append(decode_raw(between))
        elif not pending:
            text.append(decode_raw(between))
        charset = name
        pending.append(_q(word[3]) if word[2] in b"qQ" else _b(word[3]))
        at = word.end()
    if pending:
        text.append(decode_octets(b"".join(pending), charset))
    text.append(decode_raw(value[at:]))
    return "".join(text)


def _q(word: bytes) -> bytes:
    """RFC 2047 §4.2: like quoted-printable, but _ is a space."""
    return _HEX.sub(lambda m: bytes((int(m[1], 16),)), word.replace(b"_", b" "))


def _b(word: bytes) -> bytes:
    """RFC 2047 §4.1. Missing padding, padding in the middle and foreign characters are mended: senders cut and glue."""
    decoded: list[bytes] = []
    for run in word.split(b"="):
        run = _BASE64_OTHER.sub(b"", run)
        # One character alone holds six bits: no octet.
        run = run[: len(run) - (len(run) % 4 == 1)]
        decoded.append(binascii.a2b_base64(run + b"=" * (-len(run) % 4)))
    return b"".join(decoded)
