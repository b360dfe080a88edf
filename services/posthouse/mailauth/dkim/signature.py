"""One DKIM-Signature or ARC-Message-Signature, read and checked before any key is asked for (RFC 6376 §6.1.1)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from functools import lru_cache

from posthouse.mailauth.dkim.tags import TagError, colon_list, tag_list, without_space
from posthouse.mailauth.domains import MAX_NAME, a_labels, is_within

MAX_FIELD = 16_384
"""Octets of one signature field; a longer one is not read."""
MAX_IDENTITY = 512
"""Octets of i=, which stands in results: a local part and a domain have 320."""
MAX_SIGNED_NAMES = 500
"""Names in h=."""

ALGORITHMS = frozenset(("rsa-sha256", "ed25519-sha256"))
OBSOLETE = frozenset(("rsa-sha1",))
_SHORT = 1_024
"""Characters of an h= that is kept in memory."""
_FORMS = frozenset(("simple", "relaxed"))
_NUMBER = re.compile(r"[0-9]{1,76}")
_SIGNATURE_VALUE = re.compile(rb"((?:\A|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")


class SignatureError(ValueError):
    """The field is no signature that can be judged. The text is fit for a result's reason."""


@dataclass(frozen=True, slots=True)
class Signature:
    algorithm: str
    domain: str
    """d= in A-labels, lower case."""
    selector: str
    """s= in A-labels, lower case."""
    identity: str
    """i= as written, or `@` and d=."""
    identity_domain: str
    """In A-labels."""
    signed_names: tuple[bytes, ...]
    """h= in lower case."""
    header_form: str
    body_form: str
    body_hash: bytes
    value: bytes
    """b=, decoded."""
    start: str
    """The first characters of b= (RFC 6008 §4)."""
    length: int | None
    """l=."""
    timestamp: int | None
    expires: int | None

    @property
    def key_name(self) -> str:
        """Where the key is (RFC 6376 §3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"


def read(value: bytes) -> dict[str, str]:
    """The tags of a field's value. SignatureError."""
    if len(value) > MAX_FIELD:
        raise SignatureError("signature field too long")
    try:
        return tag_list(value.decode("utf-8"))
    except UnicodeDecodeError as e:
        raise SignatureError("signature is not UTF-8") from e
    except TagError as e:
        raise SignatureError(str(e)) from e


def parse(tags: dict[str, str], *, arc: bool = False) -> Signature:
    """Checks what can be checked without key, message and clock. `arc`: an ARC-Message-Signature (RFC 8617 §4.1.2),
    which has no v= and whose i= is not an identity. SignatureError."""
    required = ("a", "b", "bh", "d", "h", "s") if arc else ("v", "a", "b", "bh", "d", "h", "s")
    for name in required:
        if not tags.get(name):
            raise SignatureError(f"no {name}=")
    if not arc and tags["v"] != "1":
        raise SignatureError("unknown version")
    if "q" in tags and "dns/txt" not in colon_list(tags["q"].lower()):
        raise SignatureError("unknown key query method")
    header_form, _, body_form = without_space(tags.get("c", "simple/simple")).lower().partition("/")
    body_form = body_form or "simple"
    if header_form not in _FORMS or body_form not in _FORMS:
        raise SignatureError("unknown canonicalization")
    algorithm, domain, selector = key_place(tags)
    identity, identity_domain = f"@{tags['d']}", domain
    if not arc and "i" in tags:
        identity = tags["i"]
        found = a_labels(identity.rpartition("@")[2]) if "@" in identity else None
        if found is None or len(identity) > MAX_IDENTITY or not is_within(found, domain):
            raise SignatureError("i= is not within d=")
        identity_domain = found
    names = _names(tags["h"])
    if len(names) > MAX_SIGNED_NAMES:
        raise SignatureError("too many names in h=")
    if b"from" not in names:
        raise SignatureError("From is not signed")
    timestamp, expires = _number(tags, "t"), _number(tags, "x")
    if timestamp is not None and expires is not None and expires <= timestamp:
        raise SignatureError("x= is not after t=")
    return Signature(
        algorithm=algorithm,
        domain=domain,
        selector=selector,
        identity=identity,
        identity_domain=identity_domain,
        signed_names=names,
        header_form=header_form,
        body_form=body_form,
        body_hash=decode(tags["bh"], "bh"),
        value=decode(tags["b"], "b"),
        start=without_space(tags["b"])[:8],
        length=_number(tags, "l"),
        timestamp=timestamp,
        expires=expires,
    )


def _names(text: str) -> tuple[bytes, ...]:
    """h= in lower case. Most signers write the same h= all day."""
    return _short_names(text) if len(text) <= _SHORT else _split_names(text)


@lru_cache(maxsize=1_024)
def _short_names(text: str) -> tuple[bytes, ...]:
    return _split_names(text)


def _split_names(text: str) -> tuple[bytes, ...]:
    return tuple(name.encode() for name in colon_list(text.lower()))


def key_place(tags: dict[str, str]) -> tuple[str, str, str]:
    """Algorithm, domain and selector, fit to be looked up. SignatureError."""
    algorithm = tags["a"].lower()
    if algorithm not in ALGORITHMS and algorithm not in OBSOLETE:
        raise SignatureError("unknown algorithm")
    domain, selector = a_labels(tags["d"]), a_labels(tags["s"])
    if domain is None:
        raise SignatureError("d= is no domain")
    if selector is None or len(selector) + len("._domainkey.") + len(domain) > MAX_NAME:
        raise SignatureError("s= is no selector")
    return algorithm, domain, selector


def decode(text: str, name: str) -> bytes:
    """Base64 with folds. SignatureError."""
    try:
        return base64.b64decode(without_space(text), validate=True)
    except (binascii.Error, ValueError) as e:
        raise SignatureError(f"{name}= is not base64") from e


def without_value(value: bytes) -> bytes:
    """The field's value with what stands in b= taken out, all else as it was (RFC 6376 §3.7)."""
    return _SIGNATURE_VALUE.sub(rb"\1", value, count=1)


def _number(tags: dict[str, str], name: str) -> int | None:
    text = tags.get(name)
    if text is None:
        return None
    if _NUMBER.fullmatch(text) is None:
        raise SignatureError(f"{name}= is no number")
    return int(text)
