"""Key records (RFC 6376 §3.6.1, RFC 8463 §4) and a bounded memory of the ones that were read.

To read an RSA key costs more than to verify with it, and few keys sign most mail, so keys are kept by the text of
their record: nothing can go stale, a changed record is another text.
"""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from posthouse.mailauth.dkim.tags import TagError, colon_list, tag_list, without_space

MAX_RECORDS = 8
"""Records at one name that are looked at; a name has one key (RFC 6376 §3.6.2.2)."""
MAX_KEY_TEXT = 16_384
"""Characters of p=; a key of 16,384 bits has 2,800."""
MAX_KEPT_TEXT = 2_048
"""Characters of a record that is kept; one of a 4,096-bit key has 750. What strangers publish is not to fill memory."""
MAX_EXPONENT_BITS = 64
"""Of an RSA key: what a large one costs is the sender's choice, the time is ours."""

_PADDING = PKCS1v15()
_SHA256 = SHA256()


class UnusableKey(ValueError):
    """No usable key. The text is fit for a result's reason."""


@dataclass(frozen=True, slots=True)
class Key:
    public: RSAPublicKey | Ed25519PublicKey
    bits: int
    """RSA: of the modulus. Ed25519: 256."""
    hashes: frozenset[str] | None
    """h=; None = any."""
    testing: bool
    """t=y."""
    strict: bool
    """t=s: i= must name d= itself."""

    def fits(self, algorithm: str) -> bool:
        """Whether k= and h= allow `rsa-sha256` or `ed25519-sha256`."""
        kind, _, digest = algorithm.partition("-")
        if self.hashes is not None and digest not in self.hashes:
            return False
        return isinstance(self.public, RSAPublicKey) == (kind == "rsa")

    def verifies(self, signature: bytes, octets: bytes, digest: bytes) -> bool:
        """`digest` is SHA-256 of `octets`: Ed25519 signs the digest (RFC 8463 §3), RSA what has it."""
        try:
            if isinstance(self.public, RSAPublicKey):
                self.public.verify(signature, octets, _PADDING, _SHA256)
            else:
                self.public.verify(signature, digest)
        except InvalidSignature:
            return False
        return True


class KeyCache:
    """The keys read last, by record text; refusals are kept too. For one thread."""

    __slots__ = ("_kept", "_limit")

    def __init__(self, limit: int = 2_048) -> None:
        self._kept: OrderedDict[str, Key | str] = OrderedDict()
        self._limit = limit

    def __len__(self) -> int:
        return len(self._kept)

    def read(self, record: str) -> Key:
        """The key of one record. UnusableKey."""
        kept = self._kept.get(record)
        if kept is None:
            try:
                kept = parse_key(record)
            except UnusableKey as e:
                kept = str(e)
            if len(record) <= MAX_KEPT_TEXT:
                self._kept[record] = kept
                if len(self._kept) > self._limit:
                    self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(record)
        if isinstance(kept, str):
            raise UnusableKey(kept)
        return kept

    def choose(self, records: Sequence[str]) -> Key:
        """The first record that is a key (RFC 6376 §6.1.2 leaves the choice to us). UnusableKey."""
        reason = "no key"
        for place, record in enumerate(records[:MAX_RECORDS]):
            try:
                return self.read(record)
            except UnusableKey as e:
                reason = str(e) if place == 0 else reason
        raise UnusableKey(reason)


def parse_key(record: str) -> Key:
    """UnusableKey."""
    try:
        tags = tag_list(record)
    except TagError as e:
        raise UnusableKey(f"key record: {e}") from e
    # RFC 6376 §3.6.1: v= is optional, but where it is it comes first and says DKIM1.
    if "v" in tags and (next(iter(tags)) != "v" or tags["v"] != "DKIM1"):
        raise UnusableKey("key record of another version")
    text = tags.get("p")
    if text is None:
        raise UnusableKey("key record without p=")
    services = colon_list(tags["s"].lower()) if "s" in tags else ["*"]
    if "*" not in services and "email" not in services:
        raise UnusableKey("key is not for mail")
    text = without_space(text)
    if not text:
        raise UnusableKey("key revoked")
    flags = colon_list(tags["t"].lower()) if "t" in tags else []
    public, bits = _public(tags.get("k", "rsa").lower(), text)
    return Key(
        public=public,
        bits=bits,
        hashes=frozenset(colon_list(tags["h"].lower())) if "h" in tags else None,
        testing="y" in flags,
        strict="s" in flags,
    )


def _public(kind: str, text: str) -> tuple[RSAPublicKey | Ed25519PublicKey, int]:
    if len(text) > MAX_KEY_TEXT:
        raise UnusableKey("key too long")
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as e:
        raise UnusableKey("p= is not base64") from e
    if kind == "ed25519":
        if len(octets) != 32:
            raise UnusableKey("an Ed25519 key has 32 octets")
        return Ed25519PublicKey.from_public_bytes(octets), 256
    if kind != "rsa":
        raise UnusableKey("unknown key type")
    try:
        public = load_der_public_key(octets)
    except (ValueError, UnsupportedAlgorithm) as e:
        raise UnusableKey("p= is no RSA key") from e
    if not isinstance(public, RSAPublicKey):
        raise UnusableKey("p= is no RSA key")
    if public.public_numbers().e.bit_length() > MAX_EXPONENT_BITS:
        raise UnusableKey("RSA key with a huge exponent")
    return public, public.key_size
