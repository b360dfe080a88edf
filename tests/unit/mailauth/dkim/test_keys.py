import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from harness.signed_mail import ed25519_key, key_record, rsa_key
from posthouse.mailauth.dkim.keys import KeyCache, UnusableKey, parse_key


def test_rsa_key() -> None:
    key = parse_key(key_record(rsa_key()))
    assert (key.bits, key.testing, key.strict, key.hashes) == (2048, False, False, None)
    assert key.fits("rsa-sha256")
    assert not key.fits("ed25519-sha256")


def test_rsa_key_as_pkcs1() -> None:
    # RFC 6376 §3.6.1 says RSAPublicKey; most records hold a SubjectPublicKeyInfo.
    octets = rsa_key().public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    assert parse_key(f"p={base64.b64encode(octets).decode()}").bits == 2048


def test_ed25519_key() -> None:
    key = parse_key(key_record(ed25519_key()))
    assert key.bits == 256
    assert key.fits("ed25519-sha256")
    assert not key.fits("rsa-sha256")


def test_flags_hashes_services() -> None:
    key = parse_key(key_record(rsa_key(), "t=y : s; h=sha1:sha256; s=email; n=a note; "))
    assert key.testing
    assert key.strict
    assert key.fits("rsa-sha256")
    assert not parse_key(key_record(rsa_key(), "h=sha1; ")).fits("rsa-sha256")


def huge_exponent() -> str:
    numbers = RSAPublicNumbers((1 << 80) + 1, rsa_key().public_key().public_numbers().n)
    octets = numbers.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"p={base64.b64encode(octets).decode()}"


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("", "key record without p="),
        ("v=DKIM1", "key record without p="),
        ("v=DKIM1; p=", "key revoked"),
        ("v=DKIM2; p=AA", "another version"),
        ("p=AA; v=DKIM1", "another version"),
        ("p=!!", "p= is not base64"),
        ("p=AAAA", "p= is no RSA key"),
        ("k=ed25519; p=AAAA", "32 octets"),
        ("k=dsa; p=AAAA", "unknown key type"),
        ("s=tlsrpt; p=AAAA", "not for mail"),
        ("p=AAAA; p=AAAA", "twice"),
        ("rubbish", "without ="),
        ("p=" + "A" * 20_000, "too long"),
        (huge_exponent(), "huge exponent"),
    ],
)
def test_no_usable_key(record: str, reason: str) -> None:
    with pytest.raises(UnusableKey, match=reason):
        parse_key(record)


def test_first_record_that_is_a_key() -> None:
    keys = KeyCache()
    assert keys.choose(["v=spf1 -all", key_record(rsa_key())]).bits == 2048
    with pytest.raises(UnusableKey, match="no key"):
        keys.choose([])
    with pytest.raises(UnusableKey, match="revoked"):
        keys.choose(["p=", "v=spf1 -all"])


def test_keys_and_refusals_are_kept_and_bounded() -> None:
    keys = KeyCache(limit=2)
    record = key_record(rsa_key())
    first = keys.read(record)
    for number in range(4):
        with pytest.raises(UnusableKey):
            keys.read(f"p=; n={number}")
        assert keys.read(record) is first
    assert len(keys) == 2
    with pytest.raises(UnusableKey):
        keys.read("p=" + "A" * 3_000)  # too long to be kept
    with pytest.raises(UnusableKey, match="revoked"):
        keys.read("p=; n=3")
    assert keys.read(record) is first
    assert len(keys) == 2


def test_a_signature_of_another_length_does_not_verify() -> None:
    key = parse_key(key_record(ed25519_key()))
    assert not key.verifies(b"short", b"", b"x" * 32)
    assert not parse_key(key_record(rsa_key())).verifies(b"", b"octets", b"")


@given(st.text(max_size=40) | st.text(alphabet="vpkt=;DKIM1: ABC/+", max_size=60))
def test_documented_outcomes_only(record: str) -> None:
    with pytest.raises(UnusableKey):
        parse_key(record)
