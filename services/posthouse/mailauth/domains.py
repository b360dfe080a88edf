"""Domain names as the DNS is asked for them: A-labels, lower case, no dot at the end.

Signatures, From fields and policy records may name U-labels (RFC 8616 §2); what is looked up and what is compared are
A-labels by IDNA 2008 (RFC 5890 §2.3.2.1), UTS 46 mapping first, because that is what people type.
"""

from __future__ import annotations

import re
from functools import lru_cache

import idna

MAX_NAME = 253
"""Octets of a name in presentation form (RFC 1035 §2.3.4 less the length octets of root and first label)."""

_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


def a_labels(text: str) -> str | None:
    """The name to look up, or None when it is none. Underscores are let through: selectors and `_dmarc` have them."""
    return None if len(text) > MAX_NAME + 1 else _a_labels(text)


@lru_cache(maxsize=4_096)
def _a_labels(text: str) -> str | None:
    name = text[:-1] if text.endswith(".") else text
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return None
    name = name.lower()
    if len(name) > MAX_NAME or _NAME.fullmatch(name) is None:
        return None
    return name


def is_within(name: str, domain: str) -> bool:
    """Whether `name` is `domain` or lies below it. Both as a_labels gives them."""
    return name == domain or name.endswith("." + domain)
