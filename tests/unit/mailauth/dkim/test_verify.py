"""Judgements one by one. Vectors of the RFCs are in test_vectors.py, a second opinion in test_against_dkimpy.py."""

import pytest

from harness.signed_mail import DOMAIN, MESSAGE, NOW, changed, ed25519_key, key_record, key_zone, rsa_key
from posthouse.dns.zones import ZoneResolver
from posthouse.mailauth.dkim.message import SignedMessage
from posthouse.mailauth.dkim.policy import DEFAULT, DkimPolicy
from posthouse.mailauth.dkim.sign import SigningKey, sign, signature_field
from posthouse.mailauth.dkim.verify import verify
from posthouse.model.authentication import AuthResult, DkimResult

KEY = rsa_key()
ZONE = key_zone({f"s.{DOMAIN}": key_record(KEY), f"e.{DOMAIN}": key_record(ed25519_key())})


def signed(message: bytes = MESSAGE, key: SigningKey = KEY, selector: str = "s", **more: object) -> bytes:
    options = {"domain": DOMAIN, "selector": selector, "key": key, "timestamp": NOW, **more}
    return sign(SignedMessage(message), **options)  # type: ignore[arg-type]


def made(tags: str, names: list[str], message: bytes = MESSAGE) -> bytes:
    """A signature with tags that `sign` would not write."""
    all_tags = ["a=rsa-sha256", "c=relaxed/relaxed", f"d={DOMAIN}", "s=s", *filter(None, tags.split("; "))]
    return signature_field(SignedMessage(message), "DKIM-Signature", all_tags, names, KEY, "relaxed", "relaxed")


async def judged(
    octets: bytes, zone: ZoneResolver = ZONE, policy: DkimPolicy = DEFAULT, now: float = NOW
) -> DkimResult:
    results = await verify(SignedMessage(octets), zone, now, policy=policy)
    assert len(results) == 1
    return results[0]


@pytest.mark.parametrize("header_form", ["simple", "relaxed"])
@pytest.mark.parametrize("body_form", ["simple", "relaxed"])
@pytest.mark.parametrize(("key", "selector"), [(KEY, "s"), (ed25519_key(), "e")])
async def test_pass(header_form: str, body_form: str, key: SigningKey, selector: str) -> None:
    field = signed(key=key, selector=selector, header_form=header_form, body_form=body_form, identity="joe@example.org")
    result = await judged(field + MESSAGE)
    assert result.result is AuthResult.PASS
    assert result.reason == ""
    assert (result.domain, result.selector, result.identity) == (DOMAIN, selector, "joe@example.org")
    assert len(result.signature_start) == 8
    assert result.key_bits in (256, 2048)


async def test_no_signature() -> None:
    assert (await judged(MESSAGE)).result is AuthResult.NONE


async def test_changes_on_the_way() -> None:
    field = signed()
    for octets, reason in [
        (field + changed(MESSAGE, b"Joe.", b"Jim."), "body was changed"),
        (field + changed(MESSAGE, b"From: Joe", b"From: Jim"), "signature does not fit"),
        (field + b"From: Mallory <m@example.net>\r\n" + MESSAGE, "signature does not fit"),  # oversigned
        (field + b"Reply-To: m@example.net\r\n" + MESSAGE, "signature does not fit"),
        (changed(field, b"t=1", b"t=0"), "no From"),
    ]:
        result = await judged(octets)
        assert result.result in (AuthResult.FAIL, AuthResult.PERMERROR), octets
        assert reason in result.reason


async def test_what_relaxed_allows() -> None:
    field = signed()
    assert (await judged(field + changed(MESSAGE, b"To: Suzie", b"TO  :\r\n  Suzie"))).result is AuthResult.PASS
    assert (await judged(field + MESSAGE + b"\r\n\r\n")).result is AuthResult.PASS
    assert (await judged(field + b"X-Added: 1\r\n" + MESSAGE)).result is AuthResult.PASS


async def test_expiry_and_time() -> None:
    field = signed(expires_after=3600)
    assert (await judged(field + MESSAGE, now=NOW + 3600)).result is AuthResult.PASS
    late = await judged(field + MESSAGE, now=NOW + 3600 + DEFAULT.clock_skew + 1)
    assert (late.result, late.reason) == (AuthResult.FAIL, "signature expired")
    early = await judged(field + MESSAGE, now=NOW - DEFAULT.clock_skew - 1)
    assert (early.result, early.reason) == (AuthResult.POLICY, "signature from the future")
    assert (await judged(field + MESSAGE, now=NOW - DEFAULT.clock_skew)).result is AuthResult.PASS


async def test_sha1_is_refused_before_its_key_is_looked_up() -> None:
    field = changed(signed(), b"a=rsa-sha256", b"a=rsa-sha1")
    result = await judged(field + MESSAGE, key_zone({}, failing=(f"s._domainkey.{DOMAIN}",)))
    assert (result.result, result.reason) == (AuthResult.POLICY, "rsa-sha1 is obsolete")


@pytest.mark.parametrize(("bits", "expected"), [(1024, AuthResult.PASS), (4096, AuthResult.PASS)])
async def test_key_lengths_that_pass(bits: int, expected: AuthResult) -> None:
    result = await judged(signed(key=rsa_key(bits)) + MESSAGE, key_zone({f"s.{DOMAIN}": key_record(rsa_key(bits))}))
    assert (result.result, result.key_bits) == (expected, bits)
    assert result.reason == ("weak key of 1024 bits" if bits == 1024 else "")


async def test_key_lengths_by_policy() -> None:
    zone = key_zone({f"s.{DOMAIN}": key_record(rsa_key(1024))})
    result = await judged(signed(key=rsa_key(1024)) + MESSAGE, zone, DkimPolicy(min_rsa_bits=2048))
    assert (result.result, result.reason) == (AuthResult.POLICY, "key of 1024 bits")


async def test_short_key() -> None:
    # dkimpy's 512-bit key of its tests.
    short = (
        "k=rsa; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBANmBe10IgY+u7h3enWTukkqtUD5PR52T"
        "b/mPfjC0QJTocVBq6Za/PlzfV+Py92VaCak19F4WrbVTK5Gg5tW220MCAwEAAQ=="
    )
    result = await judged(signed() + MESSAGE, key_zone({f"s.{DOMAIN}": short}))
    assert (result.result, result.reason) == (AuthResult.POLICY, "key of 512 bits")


async def test_key_of_16384_bits_costs_no_verification() -> None:
    import base64

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = RSAPublicNumbers(65_537, (1 << 16_383) + 1).public_key()
    octets = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    zone = key_zone({f"s.{DOMAIN}": f"p={base64.b64encode(octets).decode()}"})
    result = await judged(signed() + MESSAGE, zone)
    assert (result.result, result.reason) == (AuthResult.POLICY, "key of 16384 bits")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("v=DKIM1; p=", "key revoked"),
        ("v=spf1 -all", "key record"),
        (key_record(KEY, "h=sha1; "), "key is not for this algorithm"),
        (key_record(ed25519_key()), "key is not for this algorithm"),
        (key_record(KEY, "s=tlsrpt; "), "key is not for mail"),
    ],
)
async def test_keys_that_do_not_do(record: str, reason: str) -> None:
    result = await judged(signed() + MESSAGE, key_zone({f"s.{DOMAIN}": record}))
    assert result.result is AuthResult.PERMERROR
    assert reason in result.reason
    assert (result.domain, result.selector) == (DOMAIN, "s")


async def test_key_missing_and_dns_silent() -> None:
    missing = await judged(signed() + MESSAGE, key_zone({}))
    assert (missing.result, missing.reason) == (AuthResult.PERMERROR, "no key")
    silent = await judged(signed() + MESSAGE, key_zone({}, failing=(f"s._domainkey.{DOMAIN}",)))
    assert silent.result is AuthResult.TEMPERROR
    assert silent.domain == DOMAIN


async def test_testing_and_strict_keys() -> None:
    zone = key_zone({f"s.{DOMAIN}": key_record(KEY, "t=y:s; ")})
    result = await judged(signed(identity=f"joe@{DOMAIN}") + MESSAGE, zone)
    assert (result.result, result.testing) == (AuthResult.PASS, True)
    below = await judged(signed(identity=f"joe@a.{DOMAIN}") + MESSAGE, zone)
    assert (below.result, below.reason) == (AuthResult.PERMERROR, "the key wants i= to be d= itself")


async def test_partial_body_is_distrusted() -> None:
    whole = len(SignedMessage(MESSAGE).body("relaxed"))
    exact = made(f"v=1; l={whole}", ["From"])
    assert (await judged(exact + MESSAGE)).result is AuthResult.PASS
    longer = exact + MESSAGE.rstrip(b"\r\n") + b"\r\nBuy!\r\n"
    distrusted = await judged(longer)
    assert (distrusted.result, distrusted.partial_body) == (AuthResult.POLICY, True)
    assert distrusted.reason == "l= leaves 6 octets unsigned"
    trusted = await judged(longer, policy=DkimPolicy(accept_partial_body=True))
    assert (trusted.result, trusted.partial_body) == (AuthResult.PASS, True)
    short = await judged(made(f"v=1; l={whole + 1}", ["From"]) + MESSAGE)
    assert (short.result, short.reason) == (AuthResult.FAIL, "body is shorter than l=")


@pytest.mark.parametrize(
    ("tags", "names", "reason"),
    [
        ("v=2", ["From"], "unknown version"),
        ("", ["From"], "no v="),
        ("v=1", ["To"], "From is not signed"),
        ("v=1; i=joe@example.com", ["From"], "i= is not within d="),
        ("v=1; t=5; x=4", ["From"], "x= is not after t="),
        ("v=1; q=dns/other", ["From"], "unknown key query method"),
        ("v=1; v=1", ["From"], "tag v= twice"),
    ],
)
async def test_syntax(tags: str, names: list[str], reason: str) -> None:
    result = await judged(made(tags, names) + MESSAGE)
    assert (result.result, result.reason) == (AuthResult.PERMERROR, reason)
    assert result.domain in (DOMAIN, "")


async def test_unknown_tags_and_query_lists_are_passed_over() -> None:
    assert (await judged(made("v=1; q=x/y:dns/txt; zz=top", ["From"]) + MESSAGE)).result is AuthResult.PASS


async def test_message_without_from() -> None:
    octets = signed() + MESSAGE.replace(b"From: Joe <joe@example.org>\r\n", b"")
    assert (await judged(octets)).result is AuthResult.PERMERROR


async def test_several_signatures_each_have_a_result() -> None:
    octets = signed(key=ed25519_key(), selector="e") + signed() + MESSAGE
    octets = made("v=1; i=@other.example", ["From"]) + octets
    results = await verify(SignedMessage(octets), ZONE, NOW)
    assert [(one.selector, one.result) for one in results] == [
        ("s", AuthResult.PERMERROR),
        ("e", AuthResult.PASS),
        ("s", AuthResult.PASS),
    ]


async def test_another_signature_may_be_signed_too() -> None:
    first = signed()
    second = signed(first + MESSAGE, signed=["DKIM-Signature"], key=ed25519_key(), selector="e")
    results = await verify(SignedMessage(second + first + MESSAGE), ZONE, NOW)
    assert [one.result for one in results] == [AuthResult.PASS, AuthResult.PASS]
    cut = await verify(SignedMessage(second + changed(first, b"t=", b" t=") + MESSAGE), ZONE, NOW)
    assert cut[0].result is AuthResult.PASS  # relaxed
    cut = await verify(SignedMessage(second + MESSAGE), ZONE, NOW)
    assert cut[0].result is AuthResult.FAIL


async def test_200_signatures_do_not_hide_the_authors() -> None:
    flood = b"".join(changed(signed(), b"d=example.org", b"d=flood%d.example" % number) for number in range(200))
    octets = flood + signed() + flood + MESSAGE
    asked: list[str] = []

    class Counting(ZoneResolver):
        async def lookup(self, name: str, kind: str):  # type: ignore[no-untyped-def]
            asked.append(name)
            return await super().lookup(name, kind)

    zone = Counting({f"s._domainkey.{DOMAIN}": {"TXT": [key_record(KEY)]}})
    results = await verify(SignedMessage(octets), zone, NOW, author_domains=(DOMAIN,))
    assert len(asked) == DEFAULT.max_signatures
    assert len(results) == DEFAULT.max_signatures + 1
    assert [one.domain for one in results if one.result is AuthResult.PASS] == [DOMAIN]
    assert results[-1] == DkimResult(AuthResult.POLICY, reason="389 more signatures not looked at")


async def test_a_domain_that_is_none_is_not_repeated_in_the_result() -> None:
    field = changed(signed(), b"d=example.org", b"d=\x1b[31m.example")
    result = await judged(field + MESSAGE)
    assert (result.result, result.domain) == (AuthResult.PERMERROR, "")


async def test_internationalised_domain() -> None:
    field = signed(domain="bücher.example").replace(b"xn--bcher-kva.example", "bücher.example".encode())
    zone = key_zone({"s.xn--bcher-kva.example": key_record(KEY)})
    assert (await judged(signed(domain="bücher.example") + MESSAGE, zone)).result is AuthResult.PASS
    # Another spelling of d= is another signature, but its key is found at the same name.
    result = await judged(field + MESSAGE, zone)
    assert (result.domain, result.reason) == ("xn--bcher-kva.example", "signature does not fit")
