"""Signatures made (RFC 6376 §5). With the same key, message and time the same octets, so that a retry changes nothing.

OVERSIGNED names are signed once more than they stand in the message: nobody can add another one on the way (§8.15).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from posthouse.mailauth.dkim.canonical import relaxed_header
from posthouse.mailauth.dkim.message import SignedMessage
from posthouse.mailauth.domains import a_labels

SigningKey = RSAPrivateKey | Ed25519PrivateKey

MIN_RSA_BITS = 1_024
"""RFC 8301 §3.2."""

OVERSIGNED = (
    "From", "To", "Cc", "Subject", "Date", "Message-ID", "Reply-To", "In-Reply-To", "References",
    "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
)  # fmt: skip
"""What a reader acts on (RFC 6376 §5.4.1)."""
SIGNED = (
    "Sender", "Content-ID", "Content-Description", "Resent-From", "Resent-To", "Resent-Cc", "Resent-Date",
    "Resent-Message-ID", "List-Id", "List-Help", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Subscribe",
    "List-Post", "List-Owner", "List-Archive",
)  # fmt: skip
"""Signed as often as they stand there: lists and gateways add them."""

_PADDING = PKCS1v15()
_SHA256 = SHA256()
_WIDTH = 76


def load_key(pem: bytes) -> SigningKey:
    """A private key from PEM (PKCS #1 or #8, without a passphrase). ValueError when it is none that may sign."""
    key = load_pem_private_key(pem, None)
    if isinstance(key, Ed25519PrivateKey):
        return key
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("not an RSA or Ed25519 key")
    if key.key_size < MIN_RSA_BITS:
        raise ValueError(f"a key of {key.key_size} bits may not sign (RFC 8301 §3.2)")
    return key


def algorithm_of(key: SigningKey) -> str:
    return "rsa-sha256" if isinstance(key, RSAPrivateKey) else "ed25519-sha256"


def names_to_sign(message: SignedMessage, oversigned: Sequence[str], signed: Sequence[str]) -> list[str]:
    """h= for a message: each name as often as it stands there, the oversigned ones once more."""
    names: list[str] = []
    places = message.by_name
    for name, key in _keyed(tuple(oversigned)):
        names += [name] * (len(places.get(key, ())) + 1)
    for name, key in _keyed(tuple(signed)):
        if key in places:
            names += [name] * len(places[key])
    return names


@lru_cache(maxsize=64)
def _keyed(names: tuple[str, ...]) -> tuple[tuple[str, bytes], ...]:
    """Names with what the message calls them."""
    return tuple((name, name.lower().encode()) for name in names)


def sign(
    message: SignedMessage,
    *,
    domain: str,
    selector: str,
    key: SigningKey,
    timestamp: int,
    expires_after: int | None = None,
    identity: str | None = None,
    oversigned: Sequence[str] = OVERSIGNED,
    signed: Sequence[str] = SIGNED,
    header_form: str = "relaxed",
    body_form: str = "relaxed",
) -> bytes:
    """The DKIM-Signature field, CRLF included, to be put on top. Times in seconds; `expires_after` makes x=.

    ValueError when `domain` or `selector` is no name, when From is not signed, or when the message has none.
    """
    if b"from" not in message.by_name or "from" not in {name.lower() for name in (*oversigned, *signed)}:
        raise ValueError("a signature covers From (RFC 6376 §5.4)")
    tags = [
        "v=1",
        *_shared_tags(key, domain, selector, header_form, body_form),
        f"t={timestamp}",
    ]
    if expires_after is not None:
        tags.append(f"x={timestamp + expires_after}")
    if identity is not None:
        tags.append(f"i={identity}")
    names = names_to_sign(message, oversigned, signed)
    return signature_field(message, "DKIM-Signature", tags, names, key, header_form, body_form)


def _shared_tags(key: SigningKey, domain: str, selector: str, header_form: str, body_form: str) -> list[str]:
    """a=, c=, d= and s=. ValueError."""
    named, selected = a_labels(domain), a_labels(selector)
    if named is None or selected is None:
        raise ValueError("domain or selector is no name")
    return [f"a={algorithm_of(key)}", f"c={header_form}/{body_form}", f"d={named}", f"s={selected}"]


def arc_tags(key: SigningKey, instance: int, domain: str, selector: str, timestamp: int) -> list[str]:
    """The tags of an ARC-Message-Signature before h= (RFC 8617 §4.1.2). ValueError."""
    return [f"i={instance}", *_shared_tags(key, domain, selector, "relaxed", "relaxed"), f"t={timestamp}"]


def signature_field(
    message: SignedMessage,
    field_name: str,
    tags: Sequence[str],
    names: Sequence[str],
    key: SigningKey,
    header_form: str,
    body_form: str,
) -> bytes:
    """A whole signature field: `tags`, h=, bh= and b=."""
    listed, keys = _listed(tuple(names))
    body_hash = base64.b64encode(message.body_hash(body_form)).decode("ascii")
    unsigned = (
        fold(f"{field_name}: ", [f"{tag}; " for tag in tags]) + f";\r\n h={listed};\r\n bh={body_hash};\r\n b="
    ).encode("utf-8")
    chosen = message.signed_fields(keys, header_form)
    name, _, value = unsigned.partition(b":")
    chosen.append(relaxed_header(name.lower(), value) if header_form == "relaxed" else unsigned)
    return unsigned + signature_lines(key, b"".join(chosen)) + b"\r\n"


def signature_lines(key: SigningKey, octets: bytes) -> bytes:
    """The value of b=, folded."""
    if isinstance(key, RSAPrivateKey):
        signature = key.sign(octets, _PADDING, _SHA256)
    else:
        signature = key.sign(hashlib.sha256(octets).digest())  # RFC 8463 §3
    text = base64.b64encode(signature)
    return b"\r\n  ".join(text[at : at + 72] for at in range(0, len(text), 72))


def fold(start: str, words: Sequence[str]) -> str:
    """`start` and the words in lines of at most 76 characters, if no word is longer; without `; ` at the end."""
    lines = [start]
    for word in words:
        if len(lines[-1]) + len(word) > _WIDTH:
            lines.append(" ")
        lines[-1] += word
    return "\r\n".join(line.rstrip(" ") for line in lines).removesuffix(";")


@lru_cache(maxsize=1_024)
def _listed(names: tuple[str, ...]) -> tuple[str, tuple[bytes, ...]]:
    """h= in lines, and what the message calls these names: most messages of a platform have the same."""
    return ":\r\n  ".join(_lines(names)), tuple(name.lower().encode() for name in names)


def _lines(names: Sequence[str]) -> Iterator[str]:
    """Names joined by colons, in lines."""
    line = ""
    for name in names:
        if line and len(line) + len(name) > _WIDTH - 6:
            yield line
            line = ""
        line = f"{line}:{name}" if line else name
    yield line
