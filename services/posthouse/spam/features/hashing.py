"""Words and n-grams as 32-bit numbers, in numpy, without a table of words.

A word's number is the CRC-32 of its UTF-8 octets; a pair's is mixed of its words' numbers; an n-gram's of its four
octets. Models take the top bits as slot. All numbers are stable: they lie in models and in what users taught.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint32]

MAX_WORDS: Final = 1_500
"""Words of a message that are hashed."""
_WORD = re.compile(r"[^\W_][\w'$%€£.-]{0,22}[^\W_.]|[!?$€£%]{1,3}|[^\W_]")
_MIX: Final = np.uint32(0x9E3779B1)
_PAIR: Final = np.uint32(0x85EBCA6B)
NONE: Final[Hashes] = np.zeros(0, np.uint32)


def words_of(text: str) -> list[str]:
    """The words of normalised text, in order, at most MAX_WORDS."""
    return _WORD.findall(text)[:MAX_WORDS]


def hash_words(words: Sequence[str], prefix: str = "") -> Hashes:
    seed = crc32(prefix.encode())
    return np.array([crc32(word.encode("utf-8", "replace"), seed) for word in words], np.uint32)


def pairs(hashes: Hashes) -> Hashes:
    """The numbers of neighbours, in order."""
    if len(hashes) < 2:
        return NONE
    mixed: Hashes = (hashes[:-1] * _PAIR) ^ (hashes[1:] * _MIX) ^ (hashes[1:] >> np.uint32(15))
    return mixed


def unique(hashes: Hashes) -> Hashes:
    """Sorted, each once. Much cheaper than np.unique for one message."""
    if len(hashes) < 2:
        return hashes
    ordered = np.sort(hashes)
    keep = np.empty(len(ordered), np.bool_)
    keep[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=keep[1:])
    return ordered[keep]


def grams(octets: bytes) -> Hashes:
    """The 4-grams of octets, mixed, each once."""
    if len(octets) < 4:
        return NONE
    b = np.frombuffer(octets, np.uint8).astype(np.uint32)
    four = b[:-3] | (b[1:-2] << np.uint32(8)) | (b[2:-1] << np.uint32(16)) | (b[3:] << np.uint32(24))
    mixed = four * _MIX
    mixed ^= mixed >> np.uint32(15)
    mixed *= _PAIR
    return unique(mixed)
