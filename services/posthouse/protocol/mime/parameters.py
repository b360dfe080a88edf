"""`type; name=value; …` values: Content-Type and Content-Disposition (RFC 2045 §5.1, RFC 2183), with the continued and
encoded parameters of RFC 2231.

Read leniently, since clients write unquoted spaces, forget semicolons and leave quotes open; a value that says nothing
usable gives None or no parameters, never an error. Octets stay octets; `parameter_text` decodes one for people.
"""

import re
from functools import lru_cache
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

from posthouse.protocol.mime.words import decode_octets, decode_raw, decode_words

Parameters: TypeAlias = tuple[tuple[bytes, bytes], ...]

MAX_PARAMETERS = 64
"""Parameters kept of one field; each piece of a continued one counts."""

_TOKEN = rb"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+"
_MEDIA_TYPE = re.compile(rb"\s*(" + _TOKEN + rb")\s*/\s*(" + _TOKEN + rb")")
_DISPOSITION = re.compile(rb"\s*(" + _TOKEN + rb")\s*(?=;|$)")
# The value: quoted (an open quote ends with the field), or everything up to the next semicolon.
_PARAMETER = re.compile(rb';\s*([^\s;="]+)\s*=\s*(?:"([^"\\]*(?:\\.[^"\\]*)*)"?|([^;]*))', re.DOTALL)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
# RFC 2231 §3, §4: name*0, name*0*, name*.
_PIECE = re.compile(rb"([^*]+)\*(?:(0|[1-9][0-9]{0,2})(\*)?)?")
_NOT_ATTRIBUTE_CHAR = re.compile(rb"[^!#$&+\-.0-9A-Z^_`a-z{|}~]")
# Every alternative that begins also ends (an open quote with the field): no octet is read twice.
_COMMENT_START = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|(?:\A|(?<=[\s;]))\(', re.DOTALL)
_COMMENT_EDGE = re.compile(rb"\\.|[()]", re.DOTALL)


def media_type(value: bytes) -> tuple[bytes, bytes, Parameters] | None:
    """(type, subtype, parameters) of an unfolded Content-Type, lower case but for parameter values.

    None when it has no type and subtype: RFC 2045 §5.2 has such a part read as plain text.
    """
    # Most values are one of a few dozen ("text/plain; charset=utf-8"); long ones hold boundaries and names.
    return _media_type_kept(value) if len(value) <= 48 else _media_type(value)


def _media_type(value: bytes) -> tuple[bytes, bytes, Parameters] | None:
    if b"(" in value:
        value = without_comments(value)
    found = _MEDIA_TYPE.match(value)
    if found is None:
        return None
    return found[1].lower(), found[2].lower(), _parameters(value, found.end())


_media_type_kept = lru_cache(maxsize=256)(_media_type)


def disposition(value: bytes) -> tuple[bytes, Parameters] | None:
    """(type, parameters) of an unfolded Content-Disposition. None when it is empty.

    A field that begins with a parameter is an attachment: what RFC 2183 §2.8 says of unknown types.
    """
    if b"(" in value:
        value = without_comments(value)
    if not value.strip():
        return None
    found = _DISPOSITION.match(value)
    if found is None:
        return b"attachment", _parameters(b";" + value, 0)
    return found[1].lower(), _parameters(value, found.end())


def parameter(parameters: Parameters, name: bytes) -> bytes | None:
    """The value of the first parameter of that (lower-case) name."""
    for found, value in parameters:
        if found == name:
            return value
    return None


def parameter_text(parameters: Parameters, name: bytes) -> str | None:
    """A parameter for people: the encoded form `name*` first (RFC 2231 §4), else the plain one with its encoded
    words."""
    extended = parameter(parameters, name + b"*")
    if extended is not None:
        charset, quote, rest = extended.partition(b"'")
        _, second, encoded = rest.partition(b"'")
        if not quote or not second:
            return decode_raw(unquote_to_bytes(extended))
        return decode_octets(unquote_to_bytes(encoded), charset.decode("ascii", "replace") or "utf-8")
    plain = parameter(parameters, name)
    return None if plain is None else decode_words(plain)


def without_comments(value: bytes) -> bytes:
    """RFC 5322 §3.2.2 comments replaced by a space, where they stand at the start or behind white space or a semicolon.

    Only there: `name=scan(1).pdf`, unquoted, is everyday mail and no comment.
    """
    kept: list[bytes] = []
    at = 0
    while found := _COMMENT_START.search(value, at):
        if value[found.start()] == 34:  # a quoted string, passed over whole
            kept.append(value[at : found.end()])
            at = found.end()
            continue
        kept.append(value[at : found.start()])
        kept.append(b" ")
        at = comment_end(value, found.start())
    kept.append(value[at:])
    return b"".join(kept)


def comment_end(value: bytes, start: int) -> int:
    """Offset behind the comment whose `(` stands at `start`; comments nest. The end of the value if it stays open."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(value, start):
        if edge[0] == b"(":
            depth += 1
        elif edge[0] == b")":
            depth -= 1
            if depth == 0:
                return edge.end()
    return len(value)


def _parameters(value: bytes, at: int) -> Parameters:
    found: list[tuple[bytes, bytes]] = []
    pieces = False
    for match in _PARAMETER.finditer(value, at):
        name, quoted, plain = match.groups()
        if quoted is None:
            quoted = plain.strip()
        elif b"\\" in quoted:
            quoted = _QUOTED_PAIR.sub(rb"\1", quoted)
        found.append((name.lower(), quoted))
        pieces = pieces or b"*" in name
        if len(found) == MAX_PARAMETERS:
            break
    return _joined(found) if pieces else tuple(found)


def _joined(found: list[tuple[bytes, bytes]]) -> Parameters:
    """Continuations put together: `name*0`, `name*1` → `name`; with an encoded piece among them → `name*`.

    Pieces that are not encoded are encoded on the way, so that the joined value reads the same everywhere (RFC 2231
    §4.1).
    """
    joined: list[tuple[bytes, bytes]] = []
    pieces: dict[bytes, dict[int, tuple[bool, bytes]]] = {}
    for name, value in found:
        match = _PIECE.fullmatch(name)
        if match is None or match[2] is None:
            joined.append((name, value))
        else:
            pieces.setdefault(match[1], {}).setdefault(int(match[2]), (match[3] is not None, value))
    for base, numbered in pieces.items():
        row: list[tuple[bool, bytes]] = []
        while len(row) in numbered:
            row.append(numbered[len(row)])
        if not row:
            continue
        if any(encoded for encoded, _ in row):
            text = b"".join(value if encoded else _percent(value) for encoded, value in row)
            joined.append((base + b"*", text if row[0][0] else b"''" + text))
        else:
            joined.append((base, b"".join(value for _, value in row)))
    return tuple(joined)


def _percent(value: bytes) -> bytes:
    return _NOT_ATTRIBUTE_CHAR.sub(lambda m: b"%%%02X" % m[0][0], value)
