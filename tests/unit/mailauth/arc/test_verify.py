"""Chains judged and made longer; dkimpy as second opinion both ways."""

import dkim
import pytest

from harness.signed_mail import DOMAIN, MESSAGE, NOW, changed, ed25519_key, key_record, key_zone, pem, rsa_key
from posthouse.dns.zones import ZoneResolver
from posthouse.mailauth.arc.seal import seal
from posthouse.mailauth.arc.verify import verify
from posthouse.mailauth.dkim.message import SignedMessage
from posthouse.mailauth.dkim.sign import SigningKey
from posthouse.model.authentication import ArcResult, AuthResult

KEY = rsa_key()
RECORDS = {
    f"s.{DOMAIN}": key_record(KEY),
    "s.list.example": key_record(rsa_key(1024)),
    f"e.{DOMAIN}": key_record(ed25519_key()),
}
ZONE = key_zone(RECORDS)
RESULTS = "mx.example.org; dkim=pass header.d=example.org; dmarc=pass header.from=example.org"


async def judged(octets: bytes, zone: ZoneResolver = ZONE) -> ArcResult:
    return await verify(SignedMessage(octets), zone, NOW)


async def sealed(
    octets: bytes, domain: str = DOMAIN, key: SigningKey = KEY, selector: str = "s", footer: bytes = b""
) -> bytes:
    """As a relay does: judge, then change, then seal."""
    found = await judged(octets)
    octets += footer
    block = seal(
        SignedMessage(octets), found, results=RESULTS, domain=domain, selector=selector, key=key, timestamp=NOW
    )
    assert block is not None
    return block + octets


def verified_by_dkimpy(octets: bytes) -> bytes:
    def look_up(name: bytes, timeout: int = 5) -> bytes:
        return RECORDS[name.decode().replace("._domainkey", "").rstrip(".")].encode()

    cv: bytes = dkim.arc_verify(octets, dnsfunc=look_up)[0]
    return cv


async def test_no_chain() -> None:
    assert await judged(MESSAGE) == ArcResult(AuthResult.NONE)


async def test_one_set() -> None:
    assert await judged(await sealed(MESSAGE)) == ArcResult(
        AuthResult.PASS, instances=1, sealers=(DOMAIN,), carried=RESULTS
    )


async def test_three_hands_and_two_changes() -> None:
    octets = await sealed(MESSAGE)
    octets = await sealed(octets, "list.example", rsa_key(1024), footer=b"-- \r\nlist footer\r\n")
    octets = await sealed(octets)
    result = await judged(octets)
    assert result.result is AuthResult.PASS
    assert result.sealers == (DOMAIN, "list.example", DOMAIN)
    # The first set's message signature does not fit any more: unchanged since instance 2.
    assert (result.instances, result.oldest_pass) == (3, 2)
    assert verified_by_dkimpy(octets) == b"pass"


async def test_a_change_behind_the_newest_hand() -> None:
    octets = changed(await sealed(await sealed(MESSAGE)), b"Joe.", b"Jim.")
    result = await judged(octets)
    assert (result.result, result.reason) == (AuthResult.FAIL, "i=2: body was changed")
    assert verified_by_dkimpy(octets) == b"fail"


async def test_a_change_of_what_an_older_hand_said() -> None:
    octets = await sealed(await sealed(MESSAGE))
    place = octets.rindex(b"dkim=pass")
    octets = octets[:place] + b"dkim=fail" + octets[place + 9 :]
    result = await judged(octets)
    assert (result.result, result.reason) == (AuthResult.FAIL, "seal of i=2 does not fit")
    assert verified_by_dkimpy(octets) == b"fail"


async def test_a_hand_that_sealed_a_broken_chain_as_whole() -> None:
    octets = changed(await sealed(MESSAGE), b"dkim=pass", b"dkim=none")
    lie = ArcResult(AuthResult.PASS)
    block = seal(SignedMessage(octets), lie, results=RESULTS, domain=DOMAIN, selector="s", key=KEY, timestamp=NOW)
    assert block is not None
    result = await judged(block + octets)
    assert (result.result, result.reason) == (AuthResult.FAIL, "seal of i=1 does not fit")
    assert verified_by_dkimpy(block + octets) == b"fail"


async def test_ed25519() -> None:
    octets = await sealed(await sealed(MESSAGE), key=ed25519_key(), selector="e")
    assert (await judged(octets)).result is AuthResult.PASS


async def test_a_chain_that_dkimpy_began() -> None:
    octets = b"Authentication-Results: lists.example.org; arc=none; dkim=pass header.d=example.org\r\n" + MESSAGE
    lines = dkim.arc_sign(octets, b"s", DOMAIN.encode(), pem(KEY), b"lists.example.org", timestamp=NOW)
    octets = b"".join(lines) + octets
    result = await judged(octets)
    assert (result.result, result.instances) == (AuthResult.PASS, 1)
    assert result.carried.startswith("lists.example.org; arc=none")
    octets = await sealed(octets)
    assert (await judged(octets)).sealers == (DOMAIN, DOMAIN)
    assert verified_by_dkimpy(octets) == b"pass"


async def test_dns() -> None:
    octets = await sealed(MESSAGE)
    silent = await judged(octets, key_zone({}, failing=(f"s._domainkey.{DOMAIN}",)))
    assert silent.result is AuthResult.TEMPERROR
    missing = await judged(octets, key_zone({}))
    assert (missing.result, missing.reason) == (AuthResult.FAIL, "i=1: no key")


async def test_fifty_instances_and_not_one_more() -> None:
    octets = MESSAGE
    for _ in range(50):
        octets = await sealed(octets, key=ed25519_key(), selector="e")
    result = await judged(octets)
    assert (result.result, result.instances) == (AuthResult.PASS, 50)
    message = SignedMessage(octets)
    more = seal(message, result, results=RESULTS, domain=DOMAIN, selector="s", key=KEY, timestamp=NOW)
    assert more is None
    flood = octets.replace(b"i=50;", b"i=51;") + b""
    assert (await judged(b"ARC-Seal: i=51; a=x\r\n" + flood)).result is AuthResult.FAIL


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (b"ARC-Seal: i=1;", b"ARC-Seal: i=2;", "the sets are not complete"),
        (b"ARC-Seal: i=1;", b"ARC-Seal: i=0;", "the sets are not complete"),
        (b"ARC-Seal: i=1;", b"ARC-Seal: i=x;", "a field without an instance"),
        (b"ARC-Seal: i=1;", b"ARC-Seal: i=1; h=from;", "seal of i=1 has h= or bh="),
        (b"ARC-Seal: i=1;", b"ARC-Seal: i=1; i=1;", "i=1: tag i= twice"),
        (b"cv=none", b"cv=pass", "seal of i=1 says cv=pass"),
        (b"cv=none", b"cv=maybe", "seal of i=1: unknown cv="),
        (b"cv=none;", b"", "seal of i=1: no cv="),
        (b"cv=none", b"cv=fail", "the newest sealer found the chain broken"),
        (b"a=rsa-sha256; cv", b"a=rsa-sha1; cv", "seal of i=1: rsa-sha1 is obsolete"),
        (b"a=rsa-sha256; cv", b"a=none; cv", "seal of i=1: unknown algorithm"),
        (b"ARC-Message-Signature: i=1;", b"ARC-Message-Signature: v=1; i=1;", "v= in the message signature of i=1"),
        (b"ARC-Message-Signature: i=1;", b"ARC-Message-Signature: i=1; l=1;", "i=1: "),
        (b"ARC-Authentication-Results: i=1;", b"ARC-Authentication-Results: ", "results without an instance"),
        (b"ARC-Authentication-Results: i=1;", b"X: ", "the sets are not complete"),
    ],
)
async def test_what_is_no_chain(before: bytes, after: bytes, reason: str) -> None:
    result = await judged(changed(await sealed(MESSAGE), before, after))
    assert result.result is AuthResult.FAIL
    assert result.reason.startswith(reason)


async def test_twice_the_same_set() -> None:
    octets = await sealed(MESSAGE)
    result = await judged(octets[: octets.index(b"Received")] + octets)
    assert (result.result, result.reason) == (AuthResult.FAIL, "i=1 twice")
