"""dkimpy as a second opinion, both ways, on generated messages.

dkimpy signs RSA in Python, 15 ms each: most messages it signs are signed with Ed25519. It keeps no policy, so what is
compared is whether a signature fits.
"""

import random
import time

import dkim
import pytest

from harness.signed_mail import DOMAIN, NOW, ed25519_key, key_record, key_zone, pem, raw, rsa_key
from posthouse.mailauth.dkim.keys import KeyCache
from posthouse.mailauth.dkim.message import SignedMessage
from posthouse.mailauth.dkim.policy import DkimPolicy
from posthouse.mailauth.dkim.sign import sign
from posthouse.mailauth.dkim.verify import verify
from posthouse.model.authentication import AuthResult

RSA, ED = rsa_key(), ed25519_key()
RECORDS = {f"s.{DOMAIN}": key_record(RSA), f"e.{DOMAIN}": key_record(ED)}
ZONE = key_zone(RECORDS)
FORMS = ("simple", "relaxed")
# A signature of dkimpy's carries the time of day, and one with l= is judged by what it covers.
POLICY = DkimPolicy(accept_partial_body=True)
KEYS = KeyCache()


def look_up(name: bytes, timeout: int = 5) -> bytes:
    return RECORDS[name.decode().replace("._domainkey", "").rstrip(".")].encode()


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


@pytest.mark.parametrize("seed", range(4))
async def test_we_sign_and_both_verify(seed: int) -> None:
    chance = random.Random(seed)
    verified = 0
    for number in range(300):
        message = generated(chance)
        key, selector = (RSA, "s") if number % 3 == 0 else (ED, "e")
        field = sign(
            SignedMessage(message),
            domain=DOMAIN,
            selector=selector,
            key=key,
            timestamp=NOW,
            header_form=chance.choice(FORMS),
            body_form=chance.choice(FORMS),
        )
        octets = field + message
        if number % 2:
            octets = altered(octets, len(field), chance)
        ours = (await verify(SignedMessage(octets), ZONE, NOW, policy=POLICY, keys=KEYS))[0]
        theirs = verified_by_dkimpy(octets)
        assert (ours.result is AuthResult.PASS) == theirs, (ours, octets)
        verified += theirs
    assert 150 <= verified < 300


@pytest.mark.parametrize("seed", range(4))
async def test_dkimpy_signs_and_both_verify(seed: int) -> None:
    chance = random.Random(1_000 + seed)
    verified = 0
    for number in range(300):
        message = generated(chance)
        rsa = number % 60 == 0
        field = dkim.sign(
            message,
            b"s" if rsa else b"e",
            DOMAIN.encode(),
            pem(RSA) if rsa else raw(ED),
            canonicalize=(chance.choice(FORMS).encode(), chance.choice(FORMS).encode()),
            signature_algorithm=b"rsa-sha256" if rsa else b"ed25519-sha256",
            length=chance.random() < 0.2,
        )
        octets = field + message
        if number % 2:
            octets = altered(octets, len(field), chance)
        ours = (await verify(SignedMessage(octets), ZONE, time.time(), policy=POLICY, keys=KEYS))[0]
        theirs = verified_by_dkimpy(octets)
        assert (ours.result is AuthResult.PASS) == theirs, (ours, octets)
        verified += theirs
    assert 150 <= verified < 300


def verified_by_dkimpy(octets: bytes) -> bool:
    try:
        return bool(dkim.DKIM(octets).verify(dnsfunc=look_up))
    except dkim.DKIMException:
        return False
