"""A FETCH response as imaplib hands it to imapclient, so that a client library reads what we send without a server."""

import re
from typing import Any

from imapclient.response_parser import parse_fetch_response  # type: ignore[import-untyped]

_LITERAL = re.compile(rb"\{(\d+)\}\r\n")


def fetched(items: bytes) -> dict[bytes, Any]:
    """What imapclient makes of `* 1 FETCH (UID 7 items)`: item names → its types."""
    response: list[Any] = []
    line = b"1 (UID 7 %b)" % items
    at = 0
    while literal := _LITERAL.search(line, at):
        end = literal.end() + int(literal[1])
        response.append((line[at : literal.end() - 2], line[literal.end() : end]))
        at = end
    response.append(line[at:])
    parsed: dict[int, dict[bytes, Any]] = parse_fetch_response(response)
    return parsed[7]
