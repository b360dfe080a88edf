"""Tag-lists (RFC 6376 §3.2): signatures, key records, ARC fields, policy records.

`tag_list` is strict: a list with an empty name, a missing `=` or a tag twice is no list at all, because a reader that
guesses can be made to read something else than another one.
"""

from __future__ import annotations

import re

MAX_LIST = 65_536
"""Characters that are read; a TXT record cannot be longer."""

_SPACE = " \t\r\n"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class TagError(ValueError):
    """No tag-list. The text says why and is fit for a result's reason."""


def tag_list(text: str) -> dict[str, str]:
    """Tags by name, in order, values without white space around them. TagError."""
    if len(text) > MAX_LIST:
        raise TagError("tag-list too long")
    tags: dict[str, str] = {}
    for spec in text.split(";"):
        name, equals, value = spec.partition("=")
        name = name.strip(_SPACE)
        if not equals:
            if name:
                raise TagError("a tag without =")
            continue  # the semicolon at the end, and two in a row, say nothing
        if _NAME.fullmatch(name) is None:
            raise TagError("a tag without a name")
        if name in tags:
            raise TagError(f"tag {name[:20]}= twice")
        tags[name] = value.strip(_SPACE)
    return tags


def without_space(value: str) -> str:
    """A value whose white space means nothing: base64, colon lists (RFC 6376 §3.5 allows folding in them)."""
    if "\n" in value or "\r" in value:
        value = value.replace("\r", "").replace("\n", "")
    if "\t" in value:
        value = value.replace("\t", "")
    return value.replace(" ", "") if " " in value else value


def colon_list(value: str) -> list[str]:
    """`a : b:c` as items without white space."""
    return without_space(value).split(":")
