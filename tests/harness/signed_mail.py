"""Keys, zones and messages for tests of DKIM, ARC and DMARC."""

from __future__ import annotations

import base64
import random
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


def generated(chance: random.Random) -> bytes:
    """A message with what canonicalisation is about: folds, runs of white space, empty lines, duplicates."""
    names = ["From", "To", "Subject", "Date", "Message-ID", "Cc", "Received", "X-One", "subject", "List-Id", "Sender"]
    words = [
        b"a",
        b"bc",
        b"  ",
        b"\t",
        b"\r\n ",
        b"\r\n\t",
        b"=",
        b";",
        b":",
        b"\xc3\xa4",
        b" ",
        b"b=x",
    ]
    lines = []
    for name in ["From", *chance.choices(names[1:], k=chance.randint(1, 8))]:
        value = b"".join(chance.choices(words, k=chance.randint(0, 6))).strip() or b"v"
        lines.append(name.encode() + chance.choice([b": ", b":", b":\t"]) + value)
    chance.shuffle(lines)
    pieces = [b"\r\n", b"\r\n\r\n", b" ", b"  ", b"\t", b"line", b".", b"\xff", b" \r\n", b"=20"]
    # Over SMTP a body ends in CRLF; for white space at an end without one dkimpy does not do what §3.4.4 says.
    body = b"".join(chance.choices(pieces, k=chance.randint(0, 20))) + chance.choice([b"\r\n", b"x", b"\r\n\r\n"])
    # A fold of white space only would end the header for some readers.
    fields = [line for line in lines if all(part.strip() for part in line.split(b"\r\n"))]
    if not any(line.lower().startswith(b"from") for line in fields):
        fields.append(b"From: <a@example.org>")
    return b"\r\n".join(fields) + b"\r\n\r\n" + body


def altered(octets: bytes, start: int, chance: random.Random) -> bytes:
    """One small change behind `start`, of the sort that canonicalisation may or may not forgive."""
    # Not in a field's name, nor at the very end: there dkimpy reads no field, and another §3.4.4.
    body = octets.index(b"\r\n\r\n", start)
    places = [
        place
        for place in range(start, len(octets) - 1)
        if octets[place : place + 1] in b" \tabc"
        and (place > body or b":" in octets[octets.rindex(b"\r\n", 0, place) : place])
    ]
    if not places:
        return octets + b"\r\n"
    place = chance.choice(places)
    return octets[:place] + chance.choice([b" ", b"  ", b"\t", b"x", b""]) + octets[place + 1 :]
