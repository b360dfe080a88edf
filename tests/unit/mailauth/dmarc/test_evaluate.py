import pytest

from posthouse.dns.zones import ZoneResolver
from posthouse.mailauth.dmarc.evaluate import Evaluation, discover, evaluate
from posthouse.mailauth.dmarc.walk import Walker
from posthouse.model.authentication import AuthResult, DkimResult, DmarcPolicy, DmarcResult, SpfResult

PASS, FAIL, TEMPERROR, NONE = AuthResult.PASS, AuthResult.FAIL, AuthResult.TEMPERROR, AuthResult.NONE
AUTHOR = "news.example.com"


def zone(records: dict[str, str], exists: tuple[str, ...] = (AUTHOR,), failing: tuple[str, ...] = ()) -> ZoneResolver:
    zones: dict[str, dict[str, list[str]]] = {f"_dmarc.{name}": {"TXT": [text]} for name, text in records.items()}
    zones.update({name: {"A": ["192.0.2.1"]} for name in exists})
    return ZoneResolver(zones, failing)


def spf(result: AuthResult, domain: str) -> SpfResult:
    return SpfResult(result, domain)


def dkim(result: AuthResult, domain: str) -> DkimResult:
    return DkimResult(result, domain=domain, selector="s")


async def judged(
    resolver: ZoneResolver,
    sender: SpfResult | None = None,
    *signatures: DkimResult,
    authors: tuple[str, ...] = (AUTHOR,),
    complete: bool = True,
) -> DmarcResult:
    return (await evaluate(authors, complete, sender, signatures, Walker(resolver))).result


RELAXED = zone({"example.com": "v=DMARC1; p=reject"})


async def test_pass_by_either() -> None:
    by_spf = await judged(RELAXED, spf(PASS, "bounce.example.com"))
    assert by_spf == DmarcResult(
        PASS,
        author_domain=AUTHOR,
        policy_domain="example.com",
        organizational_domain="example.com",
        policy=DmarcPolicy.REJECT,
        spf_aligned=True,
    )
    by_dkim = await judged(RELAXED, spf(FAIL, "example.net"), dkim(FAIL, AUTHOR), dkim(PASS, "example.com"))
    assert (by_dkim.result, by_dkim.dkim_domain, by_dkim.spf_aligned) == (PASS, "example.com", False)


@pytest.mark.parametrize(
    ("sender", "signature"),
    [
        (spf(PASS, "example.net"), dkim(PASS, "example.org")),
        (spf(FAIL, AUTHOR), dkim(FAIL, AUTHOR)),
        (spf(AuthResult.SOFTFAIL, AUTHOR), dkim(AuthResult.POLICY, AUTHOR)),
        (spf(PASS, "com"), dkim(PASS, "notexample.com")),
        (spf(NONE, ""), dkim(NONE, "")),
    ],
)
async def test_fail(sender: SpfResult, signature: DkimResult) -> None:
    result = await judged(RELAXED, sender, signature)
    assert (result.result, result.policy) == (FAIL, DmarcPolicy.REJECT)
    assert not result.spf_aligned
    assert not result.dkim_aligned


async def test_strict_alignment() -> None:
    strict = zone({"example.com": "v=DMARC1; p=reject; adkim=s; aspf=s"})
    assert (await judged(strict, spf(PASS, "example.com"), dkim(PASS, "example.com"))).result is FAIL
    assert (await judged(strict, spf(PASS, AUTHOR))).result is PASS
    assert (await judged(strict, None, dkim(PASS, AUTHOR))).result is PASS


async def test_an_organisation_of_its_own_below_is_not_aligned() -> None:
    resolver = zone({"example.com": "v=DMARC1; p=reject", "tenant.example.com": "v=DMARC1; p=none; psd=n"})
    assert (await judged(resolver, spf(PASS, "mail.tenant.example.com"))).result is FAIL
    assert (await judged(resolver, spf(PASS, "mail.example.com"))).result is PASS


async def test_bank_example_of_the_rfc() -> None:
    # RFC 9989 appendix B.4.3: a public suffix domain with psd=y.
    resolver = zone({"giant.bank.example": "v=DMARC1; p=reject", "bank.example": "v=DMARC1; p=reject; psd=y"})
    authors = ("giant.bank.example",)
    spf_pass, mega = spf(PASS, "mail.giant.bank.example"), dkim(PASS, "mail.mega.bank.example")
    result = await judged(resolver, spf_pass, mega, authors=authors)
    assert (result.result, result.spf_aligned, result.dkim_aligned) == (PASS, True, False)
    assert (await judged(resolver, None, mega, authors=authors)).result is FAIL


@pytest.mark.parametrize(
    ("tags", "exists", "policy"),
    [
        ("p=reject; sp=none", True, DmarcPolicy.NONE),
        ("p=none; np=reject", True, DmarcPolicy.NONE),
        ("p=none; np=reject", False, DmarcPolicy.REJECT),
        ("p=none; sp=quarantine", False, DmarcPolicy.QUARANTINE),
        ("p=reject; t=y", True, DmarcPolicy.QUARANTINE),
        ("p=quarantine; t=y", True, DmarcPolicy.NONE),
    ],
)
async def test_policy_of_a_subdomain(tags: str, exists: bool, policy: DmarcPolicy) -> None:
    result = await judged(zone({"example.com": f"v=DMARC1; {tags}"}, exists=(AUTHOR,) if exists else ()))
    assert (result.result, result.policy) == (FAIL, policy)
    assert result.testing == ("t=y" in tags)


async def test_no_record_and_a_broken_one() -> None:
    assert (await judged(zone({}))).reason == "no policy record"
    broken = await judged(zone({"example.com": "v=DMARC1; p=block"}))
    assert (broken.result, broken.reason) == (NONE, "policy record is broken")
    reported = await judged(zone({"example.com": "v=DMARC1; p=block; rua=mailto:a@example.com"}))
    assert (reported.result, reported.policy) == (FAIL, DmarcPolicy.NONE)


async def test_a_silent_dns_is_no_failure() -> None:
    silent = await judged(zone({}, failing=("_dmarc.example.com",)))
    assert (silent.result, silent.reason) == (TEMPERROR, "policy look-up failed")
    assert (await judged(RELAXED, spf(TEMPERROR, AUTHOR))).result is TEMPERROR
    assert (await judged(RELAXED, None, dkim(TEMPERROR, "example.com"))).result is TEMPERROR
    assert (await judged(RELAXED, spf(TEMPERROR, AUTHOR), dkim(PASS, AUTHOR))).result is PASS


async def test_a_strangers_silent_dns_excuses_nothing() -> None:
    resolver = zone({"example.com": "v=DMARC1; p=reject"}, failing=("_dmarc.evil.example", "_dmarc.x.example.com"))
    assert (await judged(resolver, spf(TEMPERROR, "evil.example"), dkim(TEMPERROR, "evil.example"))).result is FAIL
    assert (await judged(resolver, spf(PASS, "evil.example"))).result is FAIL
    # A signature that fails costs no look-up, not even in the author's own organisation.
    assert (await judged(resolver, spf(FAIL, "x.example.com"), dkim(FAIL, "x.example.com"))).result is FAIL


async def test_no_author() -> None:
    assert (await judged(RELAXED, authors=())).result is NONE


async def test_several_authors() -> None:
    resolver = zone(
        {
            "example.com": "v=DMARC1; p=quarantine",
            "example.net": "v=DMARC1; p=reject",
            "example.org": "v=DMARC1; p=none",
        },
        exists=("example.com", "example.net", "example.org"),
    )
    authors = ("example.com", "example.net", "example.org")
    result = await judged(resolver, spf(PASS, "example.com"), authors=authors)
    assert (result.result, result.author_domain, result.policy) == (FAIL, "example.net", DmarcPolicy.REJECT)
    assert result.reason == "3 author domains"
    signatures = [dkim(PASS, author) for author in authors]
    assert (await judged(resolver, None, *signatures, authors=authors)).result is PASS
    some = await judged(resolver, None, *signatures, authors=authors, complete=False)
    assert (some.result, some.reason) == (NONE, "not all author domains could be judged")
    one = await judged(resolver, spf(PASS, "example.com"), authors=("example.com", "nobody.example"))
    assert one.result is NONE


async def test_what_was_discovered_is_not_asked_again() -> None:
    class Once(ZoneResolver):
        spent = False

        async def lookup(self, name, kind):  # type: ignore[no-untyped-def]
            assert not self.spent
            return await super().lookup(name, kind)

    resolver = Once({"_dmarc.example.com": {"TXT": ["v=DMARC1; p=none; np=reject"]}})
    walker = Walker(resolver)
    await discover((AUTHOR,), walker)
    resolver.spent = True
    found: Evaluation = await evaluate((AUTHOR,), True, spf(FAIL, AUTHOR), (dkim(FAIL, "x.example.com"),), walker)
    assert (found.result.result, found.result.policy) == (FAIL, DmarcPolicy.REJECT)
    assert found.record is not None


async def test_discovery_of_a_silent_domain_raises_nothing() -> None:
    await discover(("a.example",), Walker(ZoneResolver({}, failing=("_dmarc.a.example",))))
