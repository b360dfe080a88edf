"""dkimpy as a second opinion, both ways, on generated messages.

dkimpy signs RSA in Python, 15 ms each: most messages it signs are signed with Ed25519. It keeps no policy, so what is
compared is whether a signature fits.
"""

import random
import time

import dkim
import pytest

from harness.signed_mail import (
    DOMAIN,
    NOW,
    altered,
    ed25519_key,
    generated,
    key_record,
    key_zone,
    pem,
    raw,
    rsa_key,
)
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
