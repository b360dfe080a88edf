"""What a relay adds to a chain; that it verifies, by us and by dkimpy, is in test_verify.py."""

import pytest

from harness.signed_mail import DOMAIN, MESSAGE, NOW, changed, key_record, key_zone, rsa_key
from posthouse.mailauth.arc.chain import sets_of
from posthouse.mailauth.arc.seal import seal
from posthouse.mailauth.arc.verify import sealed_octets, verify
from posthouse.mailauth.dkim.keys import parse_key
from posthouse.mailauth.dkim.message import SignedMessage
from posthouse.model.authentication import ArcResult, AuthResult

KEY = rsa_key()
ZONE = key_zone({f"s.{DOMAIN}": key_record(KEY)})
RESULTS = "mx.example.org; dmarc=pass header.from=example.org"


async def judged(octets: bytes) -> ArcResult:
    return await verify(SignedMessage(octets), ZONE, NOW)


async def sealed(octets: bytes) -> bytes:
    message = SignedMessage(octets)
    block = seal(message, await judged(octets), results=RESULTS, domain=DOMAIN, selector="s", key=KEY, timestamp=NOW)
    assert block is not None
    return block + octets


async def test_a_set_is_three_fields_with_one_instance() -> None:
    octets = await sealed(await sealed(MESSAGE))
    block = octets[: octets.index(b"ARC-Seal: i=1")]
    assert block.startswith(b"ARC-Seal: i=2; a=rsa-sha256; cv=pass; d=example.org; s=s;")
    assert b"\r\nARC-Message-Signature: i=2; a=rsa-sha256; c=relaxed/relaxed;" in block
    assert block.endswith(b"\r\nARC-Authentication-Results: i=2; " + RESULTS.encode() + b"\r\n")
    assert b"cv=none" in octets
    assert max(map(len, block.split(b"\r\n"))) <= 100


async def test_a_broken_chain_is_sealed_as_broken_and_never_again() -> None:
    octets = changed(await sealed(MESSAGE), b"Joe.", b"Jim.")
    octets = await sealed(octets)
    assert b"cv=fail" in octets
    result = await judged(octets)
    assert (result.result, result.reason) == (AuthResult.FAIL, "the newest sealer found the chain broken")
    message = SignedMessage(octets)
    assert seal(message, result, results=RESULTS, domain=DOMAIN, selector="s", key=KEY, timestamp=NOW) is None


async def test_a_seal_of_a_broken_chain_covers_its_own_set_only() -> None:
    # RFC 8617 §5.1.2.
    message = SignedMessage(await sealed(changed(await sealed(MESSAGE), b"Joe.", b"Jim.")))
    newest = sets_of(message)[-1:]
    key = parse_key(key_record(KEY))
    assert key.verifies(newest[0].seal.value, sealed_octets(message, newest), b"")


async def test_nothing_is_sealed_while_nothing_is_known() -> None:
    message = SignedMessage(await sealed(MESSAGE))
    found = ArcResult(AuthResult.TEMPERROR)
    assert seal(message, found, results=RESULTS, domain=DOMAIN, selector="s", key=KEY, timestamp=NOW) is None
    with pytest.raises(ValueError, match="is no name"):
        seal(message, ArcResult(AuthResult.NONE), results="", domain="a b", selector="s", key=KEY, timestamp=NOW)
