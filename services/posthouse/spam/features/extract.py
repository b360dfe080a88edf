"""All features of one message, made once and used by every channel; also what is kept for un-learning."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import numpy as np

from posthouse.spam.features.hashing import Hashes, grams, hash_words, pairs, unique, words_of
from posthouse.spam.features.rules import fired
from posthouse.spam.features.structure import Values, structure
from posthouse.spam.text.links import organisation
from posthouse.spam.text.message import Message
from posthouse.spam.text.normalise import unleet

RAW_OCTETS: Final = 3_000
"""Octets from the start of the message that site memory reads."""
_WORD = re.compile(rb"[\w$-]+(?:\.[\w-]+)*")
_HEADER_SEED: Final = crc32(b"header:")
_UNSAID: Final = frozenset({"date", "subject"})
_MAX_FIELDS: Final = 60
_MAX_RECEIVED: Final = 4


@dataclass(frozen=True, slots=True)
class Features:
    grams: Hashes
    """4-grams of subject, sender, hosts and text."""
    words: Hashes
    """Words, pairs and hosts of subject and text, no header, each once."""
    names: tuple[tuple[int, str], ...]
    """(number, word) for reasons."""
    header: Hashes
    """Words of the header fields with their names: the way a message came."""
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
    """Names of fields, and their words with the name before them; what is unique to a message teaches nothing."""
    found: list[bytes] = []
    received = 0
    for name, value in message.fields[:_MAX_FIELDS]:
        if name in _UNSAID:
            continue
        if name == "received":
            received += 1
            if received > _MAX_RECEIVED:
                continue
        field = name.encode("ascii")
        found.append(field)
        words = _WORD.findall(value[:300].lower())[:30]
        if name == "message-id":
            words = [word for word in words if len(word) <= 20]
        found += [field + b":" + word for word in words]
    return np.array([crc32(word, _HEADER_SEED) for word in found], np.uint32)
