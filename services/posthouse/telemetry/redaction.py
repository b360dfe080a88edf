"""Redaction: what may stand in a log line. By default no address and no content of a mail.

`Redactor.address` gives a hash to tell addresses apart; fields of the type `Personal` are written as that. `clean` is
the safety net through which every field passes, so that an address in a foreign exception does not get out either.
"""

import hashlib
import math
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

Field: TypeAlias = str | int | float | bool | bytes | Sequence["Field"] | Mapping[str, "Field"] | None
"""What a field of an event may hold. Octets are written as their count only."""

# Anything@anything: broader than RFC 5321 §4.1.2 on purpose; a Message-ID that is scrubbed costs less than a leak.
_ADDRESS: Final = re.compile(
    r"(?:\"[^\"\n]{1,256}\"|[^\s\"'<>(),;:=\[\]{}@]{1,256})@(?:\[[^\]\s]{1,255}\]|[^\s\"'<>(),;:=\[\]{}@]{1,255})"
)
_SCRUBBED: Final = "<address>"
MAX_FIELD: Final = 8192
"""Characters of one field; the rest is cut. A traceback may have four times that."""

MAX_PERSONAL: Final = 320
"""Characters: the longest address there can be (64, @ and 255, RFC 5321), and no novel in a log line."""


class Personal(str):
    """A field that names a person, whether or not it looks like an address: what was typed as a login, for one."""

    __slots__ = ()


class Redactor:
    """Hashes and scrubs what names people. `key` makes hashes comparable between processes; random where None."""

    __slots__ = ("_key", "addresses")

    def __init__(self, key: bytes | None = None, *, addresses: bool = False) -> None:
        self._key = hashlib.blake2b(key, digest_size=32).digest() if key is not None else secrets.token_bytes(32)
        self.addresses = addresses

    def address(self, address: str) -> str:
        """The address itself where that is allowed, else 12 hexadecimal digits that stand for it."""
        if self.addresses:
            return address
        return hashlib.blake2b(address.lower().encode("utf-8", "replace"), digest_size=6, key=self._key).hexdigest()

    def scrub(self, text: str) -> str:
        """The text without addresses."""
        return text if self.addresses or "@" not in text else _ADDRESS.sub(_SCRUBBED, text)

    def clean(self, value: Field) -> Field:
        """The value as it may be written: bounded, without addresses, octets only counted."""
        if isinstance(value, str):
            if isinstance(value, Personal):
                return self.address(value[:MAX_PERSONAL])
            return self.scrub(value[:MAX_FIELD])
        if isinstance(value, bytes):
            return f"<{len(value)} octets>"
        if isinstance(value, list | tuple):
            return [self.clean(part) for part in value[:100]]
        if isinstance(value, Mapping):
            return {str(name): self.clean(part) for name, part in list(value.items())[:100]}
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        # Not a Field, but a log line is no place to fail: say what it was, never what it held.
        return f"<{type(value).__name__}>"
