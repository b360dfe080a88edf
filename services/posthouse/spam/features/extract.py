"""All features of one message, made once and used by every channel; also what is kept for un-learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from posthouse.spam.features.hashing import Hashes, grams, hash_words, pairs, unique, words_of
from posthouse.spam.features.rules import fired
from posthouse.spam.features.structure import Values, structure
from posthouse.spam.text.links import organisation
from posthouse.spam.text.message import Message
from posthouse.spam.text.normalise import unleet

RAW_OCTETS: Final = 3_000
"""Octets from the start of the message that site memory reads."""
_HEADERS: Final = (
    *("from", "reply-to", "return-path", "x-mailer", "user-agent", "list-id", "sender", "to", "message-id"),
    *("content-type", "organization", "mime-version", "x-priority", "precedence", "list-unsubscribe"),
)


@dataclass(frozen=True, slots=True)
class Features:
    grams: Hashes
    """4-grams of subject, sender, hosts and text."""
    words: Hashes
    """Words, pairs and hosts of subject and text, no header, each once."""
    names: tuple[tuple[int, str], ...]
    """(number, word) for reasons."""
    header: Hashes
    """Words of chosen header fields, for what is local to a user."""
    raw: Hashes
    """4-grams of the first octets as they came, for site memory."""
    structure: Values
    rules: tuple[int, ...]


def extract(octets: bytes, message: Message) -> Features:
    """The features of a sanitised message and what was read of it."""
    text_seen = unleet(message.text)
    subject_seen = unleet(message.subject)
    hosts = sorted({link.host for link in message.links if link.host} | set(message.sources))[:100]
    pattern = f"{subject_seen} | {message.sender} | {' '.join(hosts)} | {text_seen}"
    subject = words_of(subject_seen)
    text = words_of(text_seen)
    s, t = hash_words(subject), hash_words(text)
    in_subject = hash_words(subject, "subject:")
    at = hash_words(hosts + sorted({organisation(host) for host in hosts}), "host:")
    names = dict(zip(t.tolist(), text, strict=True))
    names.update(zip(s.tolist(), subject, strict=True))
    names.update(zip(in_subject.tolist(), [f"subject:{word}" for word in subject], strict=True))
    names.update(zip(at.tolist(), [f"host:{host}" for host in hosts], strict=False))
    return Features(
        grams(pattern.encode("utf-8", "replace")),
        unique(np.concatenate((s, t, pairs(s), pairs(t), in_subject, at))),
        tuple(names.items()),
        unique(_header_words(message)),
        grams(octets[:RAW_OCTETS]),
        structure(message),
        tuple(fired(message)),
    )


def _header_words(message: Message) -> Hashes:
    found: list[str] = []
    for name in _HEADERS:
        value = message.first.get(name)
        if value is not None:
            found += [f"{name}:{word}" for word in words_of(value[:300].decode("latin-1").lower())[:30]]
            found.append(name)
    return hash_words(found, "header:")
