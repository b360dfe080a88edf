"""Passwords made for people, and how they are kept."""

from __future__ import annotations

import asyncio

from posthouse.model.errors import Invalid
from posthouse.ports.ids import Ids
from posthouse.runtime import passwords

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""31 characters that nobody mistakes for one another when reading them aloud."""
_GROUPS, _LENGTH = 4, 5
MIN_PASSWORD = 8
MAX_PASSWORD = 512
"""Octets. argon2id takes time by the octet too."""


def random_password(ids: Ids) -> str:
    """99 bits, in groups: `k7q2m-….`"""
    characters: list[str] = []
    while len(characters) < _GROUPS * _LENGTH:
        # 248 = 8 · 31: what lies above would make some characters likelier than others.
        characters += [_ALPHABET[octet % 31] for octet in ids.token(32) if octet < 248]
    groups = ["".join(characters[i : i + _LENGTH]) for i in range(0, _GROUPS * _LENGTH, _LENGTH)]
    return "-".join(groups)


def check_password(password: str) -> None:
    """Invalid for one that could not be typed into a client or is too short to keep anybody out."""
    if len(password) < MIN_PASSWORD:
        raise Invalid("password too short", public=f"a password has {MIN_PASSWORD} characters at least")
    if len(password.encode()) > MAX_PASSWORD or any(ord(c) < 32 or ord(c) == 127 for c in password):
        rule = f"a password has no control characters and {MAX_PASSWORD} octets at most"
        raise Invalid("password refused", public=rule)


async def hash_password(password: str) -> str:
    """argon2id in PHC form; some tens of milliseconds, in a thread, so that a process that serves mail goes on."""
    check_password(password)
    return await asyncio.to_thread(passwords.hash_password, password)
