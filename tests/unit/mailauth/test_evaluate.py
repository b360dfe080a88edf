"""All checks of one message together; each alone is tried in its own tests."""

from collections.abc import Sequence

from harness.signed_mail import DOMAIN, MESSAGE, NOW, changed, key_record, rsa_key
from posthouse.dns.zones import ZoneResolver
from posthouse.mailauth.arc.seal import seal
from posthouse.mailauth.dkim.message import SignedMessage
from posthouse.mailauth.dkim.sign import sign
from posthouse.mailauth.dmarc.counters import row_of
from posthouse.mailauth.dmarc.disposition import NOTHING
from posthouse.mailauth.evaluate import Caches, Client, Findings, Job, Settings, authenticate
from posthouse.model.authentication import ArcResult, AuthResult, DmarcPolicy
from posthouse.ports.resolver import Answer, DnsTemporary

KEY = rsa_key()
CLIENT = Client("192.0.2.1", "mx.example.org", "joe@example.org")
SIGNED = sign(SignedMessage(MESSAGE), domain=DOMAIN, selector="s", key=KEY, timestamp=NOW) + MESSAGE
ZONES: dict[str, dict[str, list[str]]] = {
    DOMAIN: {"TXT": ["v=spf1 ip4:192.0.2.1 -all"], "A": ["192.0.2.9"]},
    f"_dmarc.{DOMAIN}": {"TXT": ["v=DMARC1; p=reject; rua=mailto:r@example.org"]},
    f"s._domainkey.{DOMAIN}": {"TXT": [key_record(KEY)]},
    f"default._bimi.{DOMAIN}": {"TXT": ["v=BIMI1; l=https://example.org/l.svg"]},
    "mx.example.org": {"TXT": ["v=spf1 a -all"], "A": ["192.0.2.1"]},
    "1.2.0.192.in-addr.arpa": {"PTR": ["mx.example.org"]},
}


class Budgeted(ZoneResolver):
    """Answers a number of look-ups, then nothing any more: what a message's budget does."""

    def __init__(self, lookups: int = 1_000) -> None:
        super().__init__(ZONES)
        self.left = lookups
        self.names: list[str] = []

    async def lookup(self, name: str, kind: str) -> Answer:
        if self.left == 0:
            raise DnsTemporary("budget spent")
        self.left -= 1
        self.names.append(name)
        return await super().lookup(name, kind)


async def found(
    octets: bytes = SIGNED, client: Client = CLIENT, resolver: Budgeted | None = None, **settings: object
) -> Findings:
    chosen = Settings(**settings)  # type: ignore[arg-type]
    return await authenticate(octets, client, resolver or Budgeted(), NOW, chosen, Caches())


async def test_all_of_it() -> None:
    findings = await found(bimi=True)
    results = findings.results
    assert results.spf is not None
    assert results.helo is not None
    assert results.iprev is not None
    assert results.dmarc is not None
    assert results.bimi is not None
    assert [one.result for one in (results.spf, results.helo, *results.dkim, results.iprev, results.dmarc)] == [
        AuthResult.PASS
    ] * 5
    assert (results.dmarc.spf_aligned, results.dmarc.dkim_domain) == (True, DOMAIN)
    assert results.arc == ArcResult(AuthResult.NONE)
    assert results.bimi.location == "https://example.org/l.svg"
    assert row_of(findings.dmarc, results, NOTHING, source_ip="192.0.2.1", envelope_from=DOMAIN) is not None


async def test_what_is_switched_off_is_not_looked_at() -> None:
    results = (await found(helo=False, arc=False, iprev=False)).results
    assert (results.helo, results.arc, results.iprev, results.bimi) == (None, None, None, None)


async def test_a_forgery() -> None:
    client = Client("198.51.100.7", "evil.example", "joe@example.org")
    results = (await found(changed(SIGNED, b"Joe.", b"Pay!"), client)).results
    assert results.dmarc is not None
    assert (results.dmarc.result, results.dmarc.policy) == (AuthResult.FAIL, DmarcPolicy.REJECT)


async def test_the_null_sender_is_postmaster_of_its_helo() -> None:
    results = (await found(client=Client("192.0.2.1", "mx.example.org", ""))).results
    assert results.spf is not None
    assert (results.spf.result, results.spf.domain) == (AuthResult.PASS, "mx.example.org")
    assert results.dmarc is not None
    assert results.dmarc.spf_aligned


async def test_a_stranger_cannot_spend_what_the_author_needs() -> None:
    """A forged message with 11 foreign signatures and an ARC chain of many keys: DMARC still fails, in 20 look-ups."""
    forged = changed(SIGNED, b"Joe.", b"Pay!")
    for number in range(11):
        domain = f"d{number}.evil.example"
        forged = sign(SignedMessage(forged), domain=domain, selector="s", key=KEY, timestamp=NOW) + forged
    for number in range(4):
        block = seal(
            SignedMessage(forged),
            ArcResult(AuthResult.PASS if number else AuthResult.NONE),
            results="x; dmarc=pass",
            domain=f"a{number}.evil.example",
            selector="s",
            key=KEY,
            timestamp=NOW,
        )
        assert block is not None
        forged = block + forged
    resolver = Budgeted(lookups=20)
    results = (await found(forged, Client("198.51.100.7", "evil.example", "joe@example.org"), resolver)).results
    assert results.dmarc is not None
    assert results.dmarc.result is AuthResult.FAIL
    assert resolver.names[0] == f"_dmarc.{DOMAIN}"
    assert results.arc is not None
    assert results.arc.result is not AuthResult.PASS


async def test_the_authors_signature_is_judged_before_strangers_spend_the_budget() -> None:
    octets = SIGNED
    for number in range(6):
        octets = (
            sign(SignedMessage(octets), domain=f"d{number}.evil.example", selector="s", key=KEY, timestamp=NOW) + octets
        )
    resolver = Budgeted(lookups=5)
    results = (await found(octets, resolver=resolver)).results
    assert [one.domain for one in results.dkim if one.result is AuthResult.PASS] == [DOMAIN]
    assert results.dkim[-1].domain == DOMAIN  # in the order of the header all the same


async def test_jobs_go_to_whoever_runs_them() -> None:
    ran: list[int] = []

    async def counted(jobs: Sequence[Job]) -> None:
        ran.append(len(jobs))
        for job in reversed(jobs):
            await job()

    findings = await authenticate(SIGNED, CLIENT, Budgeted(), NOW, Settings(), Caches(), counted)
    assert ran == [2, 3]
    assert findings.results.dmarc is not None
    assert findings.results.dmarc.result is AuthResult.PASS


async def test_a_message_of_nothing() -> None:
    results = (await found(b"")).results
    assert results.dmarc is not None
    assert (results.dmarc.result, results.dmarc.reason) == (AuthResult.NONE, "no author domain")
    assert [one.result for one in results.dkim] == [AuthResult.NONE]
