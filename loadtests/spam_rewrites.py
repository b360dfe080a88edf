"""Spam rewritten as spammers rewrite it: look-alike letters, invisible characters, digits for letters, good words,
empty tags. Synthetic, and not adapted to the filter. Deterministic by seed.
"""

from __future__ import annotations

import email
import random
import re
from collections.abc import Callable
from email.message import Message

_LOOK = dict(zip("aeopcxyis", "аеорсхуіѕ", strict=True))
_DIGIT = {"a": "4", "e": "3", "i": "1", "o": "0", "s": "5", "t": "7"}
_INSIDE = re.compile(r"(?<=[A-Za-z])(?=[A-Za-z])")
_BETWEEN_TAGS = re.compile(r">([^<>]+)<")


def rewritten(raw: bytes, change: Callable[[str, bool], str]) -> bytes:
    """The message with every text part passed through `change(text, is_html)`, as UTF-8."""
    message = email.message_from_bytes(raw)
    for part in message.walk():
        if part.is_multipart() or part.get_content_maintype() != "text":
            continue
        octets = part.get_payload(decode=True)
        if not isinstance(octets, bytes):
            continue
        text = octets.decode("latin-1")
        html = part.get_content_subtype() == "html" or "<html" in text.lower()
        subtype = part.get_content_subtype()
        del part["Content-Type"]
        del part["Content-Transfer-Encoding"]
        part["Content-Type"] = f'text/{subtype}; charset="utf-8"'
        part["Content-Transfer-Encoding"] = "8bit"
        part.set_payload(change(text, html).encode("utf-8", "replace").decode("ascii", "surrogateescape"))
    return _octets(message, raw)


def _octets(message: Message, raw: bytes) -> bytes:
    try:
        return message.as_bytes()
    except (LookupError, ValueError, UnicodeError, TypeError, AttributeError):
        # The standard library cannot write every broken message that it can read.
        return raw


def _visible(text: str, html: bool, change: Callable[[str], str]) -> str:
    return _BETWEEN_TAGS.sub(lambda m: f">{change(m[1])}<", text) if html else change(text)


def rewrites(good_words: list[str], seed: int = 5) -> dict[str, Callable[[str, bool], str]]:
    """Name to change. `good_words`: where padding is drawn from."""
    rng = random.Random(seed)

    def letters(table: dict[str, str], share: float) -> Callable[[str], str]:
        return lambda s: "".join(table.get(c.lower(), c) if rng.random() < share else c for c in s)

    def inside(what: str, share: float) -> Callable[[str], str]:
        return lambda s: _INSIDE.sub(lambda _: what if rng.random() < share else "", s)

    def padded(text: str, html: bool) -> str:
        words = " ".join(rng.choice(good_words) for _ in range(300))
        return f"{text}<p>{words}</p>" if html else f"{text}\n{words}\n"

    return {
        "homoglyphs 50 %": lambda t, h: _visible(t, h, letters(_LOOK, 0.5)),
        "zero-width": lambda t, h: _visible(t, h, inside("\u200b", 0.35)),
        "leet 35 %": lambda t, h: _visible(t, h, letters(_DIGIT, 0.35)),
        "+300 ham words": padded,
        "split by empty tags": lambda t, h: _visible(t, h, inside("<b></b>", 0.3)) if h else t,
    }
