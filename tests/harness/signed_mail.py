"""Keys, zones and messages for tests of DKIM, ARC and DMARC."""

from __future__ import annotations

import base64
from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from posthouse.dns.zones import ZoneResolver
from posthouse.mailauth.dkim.sign import SigningKey

NOW = 1_750_000_000
DOMAIN = "example.org"

MESSAGE = (
    b"Received: from a by b; Fri, 11 Jul 2003 21:01:54 -0700\r\n"
    b"Received: from b by c;\r\n\tFri, 11 Jul 2003 21:01:55 -0700\r\n"
    b"From: Joe <joe@example.org>\r\n"
    b"To: Suzie <suzie@example.net>\r\n"
    b"Subject:  Is dinner\r\n\t ready?  \r\n"
    b"Date: Fri, 11 Jul 2003 21:00:37 -0700\r\n"
    b"Message-ID: <1@example.org>\r\n"
    b"\r\n"
    b"Hi.\r\n\r\nWe lost  the game.\t\r\n \r\nJoe.\r\n\r\n"
)


@cache
def rsa_key(bits: int = 2048) -> RSAPrivateKey:
    return generate_private_key(65_537, bits)


@cache
def ed25519_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def pem(key: SigningKey) -> bytes:
    """As dkimpy and OpenDKIM want it: PKCS #1 for RSA."""
    form = (
        serialization.PrivateFormat.TraditionalOpenSSL
        if isinstance(key, RSAPrivateKey)
        else serialization.PrivateFormat.PKCS8
    )
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def raw(key: Ed25519PrivateKey) -> bytes:
    """The seed in base64, as dkimpy wants it."""
    octets = key.private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    return base64.b64encode(octets)


def key_record(key: SigningKey, more: str = "") -> str:
    """`more`: further tags, each with its semicolon."""
    if isinstance(key, Ed25519PrivateKey):
        octets = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return f"v=DKIM1; k=ed25519; {more}p={base64.b64encode(octets).decode()}"
    octets = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; {more}p={base64.b64encode(octets).decode()}"


def key_zone(records: dict[str, str], failing: tuple[str, ...] = ()) -> ZoneResolver:
    """`records`: key records by `selector.domain`."""
    zones: dict[str, dict[str, list[str]]] = {}
    for name, record in records.items():
        selector, _, domain = name.partition(".")
        zones[f"{selector}._domainkey.{domain}"] = {"TXT": [record]}
    return ZoneResolver(zones, failing=failing)


def changed(field: bytes, before: bytes, after: bytes) -> bytes:
    """A field with something replaced that must be there."""
    assert before in field, (before, field)
    return field.replace(before, after)
