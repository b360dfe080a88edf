"""Whether an attached page or picture (HTML, SVG) would run something when it is opened."""

from __future__ import annotations

import re
from typing import Final

from posthouse.attachments.sniff import wide

READ: Final = 512 * 1024

# Every alternative begins with a character that its repetition excludes: linear on anything.
_SCRIPT = re.compile(
    rb"<(?:[a-z]{1,20}:)?script[\s>/]|(?:java|vb)script\s{0,20}:|<[a-z][^<>]{0,400}\son[a-z]{3,24}\s{0,20}=", re.I
)
_SMUGGLED = re.compile(rb"<(?:iframe|embed|object)[\s/][^<>]{0,400}data:", re.I)


def active(octets: bytes) -> str:
    """`script`, `frame` or empty."""
    text = wide(octets[:READ])
    if _SCRIPT.search(text):
        return "script"
    return "frame" if _SMUGGLED.search(text) else ""
