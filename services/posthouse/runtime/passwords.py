"""Password hashes: argon2id in PHC form (RFC 9106), at a cost that a busy mail server can bear.

t=2, 19 MiB, p=1 (OWASP's smallest recommended set): about 25 ms on one core. The library's default (64 MiB, 4 lanes)
took half a second on two loaded cores, and each IMAP and SMTP connection logs in. Both functions block.
"""

from __future__ import annotations

from typing import Final

import argon2

_HASHER: Final = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

STAND_IN: Final = "$argon2id$v=19$m=19456,t=2,p=1$cG9zdGhvdXNlLXN0YW5kaW4$jGQBdQucNYDZusOgHq4XJ8/cSmjTUPzFv+mUbxNj6ps"
"""Checked when there is no such account, so that a wrong name takes as long as a wrong password."""


def hash_password(password: str) -> str:
    """The PHC string to keep in the directory."""
    return _HASHER.hash(password)


def matches(password_hash: str, password: str) -> bool:
    """Whether the password is the one hashed; False too for a string that is no argon2 hash."""
    try:
        return _HASHER.verify(password_hash, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
