"""Mutation fuzz of DKIM, ARC, DMARC and BIMI: whatever is sent and published, typed results in bounded questions.

The oracle: nothing raises; a changed message has no `pass` that its author did not sign for; the DNS is asked no more
than the bounds allow; results can be written into Authentication-Results. Rounds are seeded, so a failure repeats;
POSTHOUSE_FUZZ_ROUNDS makes it longer.
"""

import os
import random

import pytest

from harness.signed_mail import DOMAIN, MESSAGE, NOW, ed25519_key, key_record, rsa_key
from posthouse.dns.zones import ZoneResolver
from posthouse.mailauth.arc.chain import MAX_INSTANCES
from posthouse.mailauth.arc.seal import seal
from posthouse.mailauth.authres.parse import parse as parse_results
from posthouse.mailauth.authres.render import render_field
from posthouse.mailauth.dkim.message import SignedMessage
from posthouse.mailauth.dkim.policy import DEFAULT
from posthouse.mailauth.dkim.sign import sign
from posthouse.mailauth.dmarc.author import MAX_AUTHORS
from posthouse.mailauth.dmarc.disposition import ReceiverPolicy, decide
from posthouse.mailauth.dmarc.walk import MAX_QUERIES
from posthouse.mailauth.evaluate import Caches, Client, Settings, authenticate
from posthouse.model.authentication import ArcResult, AuthResult
from posthouse.ports.resolver import Answer

ROUNDS = int(os.environ.get("POSTHOUSE_FUZZ_ROUNDS", "1200"))
# Policies and existence of authors, then of what aligns; keys; chains; SPF as its own tests bound it; iprev; BIMI.
MAX_QUESTIONS = (
    MAX_AUTHORS * (MAX_QUERIES + 1)
    + (DEFAULT.max_signatures + 1) * MAX_QUERIES
    + DEFAULT.max_signatures
    + 3 * MAX_INSTANCES
    + 250
    + 11
    + 2
)
KEY = ed25519_key()
CACHES = Caches()
TOKENS = (
    *(
        b"i=1;",
        b"i=2;",
        b"i=51;",
        b"cv=none",
        b"cv=fail",
        b"b=",
        b"bh=",
        b"h=",
        b"h=from:from",
        b"l=5;",
        b"x=1;",
        b"t=9" * 30,
    ),
    *(
        b"d=example.org",
        b"d=com",
        b"d=\xc3\xbc.example",
        b"s=s",
        b"c=relaxed",
        b"a=rsa-sha1",
        b"a=ed25519-sha256",
        b"q=x",
    ),
    *(
        b";",
        b";;",
        b"=",
        b":",
        b" ",
        b"\t",
        b"\r\n ",
        b"\r\n",
        b"\r\n\r\n",
        b"\r",
        b"\n",
        b"\x00",
        b"\xff",
        b'"',
        b"(",
        b"<",
        b"@",
    ),
    *(
        b"DKIM-Signature:",
        b"ARC-Seal:",
        b"ARC-Message-Signature:",
        b"ARC-Authentication-Results:",
        b"From: a@example.net\r\n",
    ),
)
RECORDS = (
    *(
        "v=DMARC1",
        "v=DMARC1;p=reject",
        "; p=none",
        ";sp=x",
        ";np=reject",
        ";psd=y",
        ";psd=n",
        ";t=y",
        ";adkim=s",
        ";rua=mailto:a@b",
    ),
    *(
        "v=DKIM1",
        ";k=rsa",
        ";k=ed25519",
        ";p=",
        ";p=AAAA",
        ";t=s:y",
        ";h=sha1",
        "v=BIMI1; l=https://a/; a=",
        ";",
        "=",
        " ",
        "ü",
        "\0",
    ),
)


class Published:
    """Answers anything with something; counts."""

    def __init__(self, chance: random.Random, zone: ZoneResolver) -> None:
        self._chance = chance
        self._zone = zone
        self.asked = 0

    async def lookup(self, name: str, kind: str) -> Answer:
        self.asked += 1
        assert name.isascii()
        assert len(name) <= 253
        if self._chance.random() < 0.5:
            return await self._zone.lookup(name, kind)
        if kind != "TXT":
            return Answer((), exists=self._chance.random() < 0.5)
        count = self._chance.choice((0, 1, 1, 2))
        texts = ("".join(self._chance.choices(RECORDS, k=self._chance.randint(1, 6))) for _ in range(count))
        return Answer(tuple(texts), exists=True)


def seed_message() -> bytes:
    octets = MESSAGE
    for key, selector in ((KEY, "e"), (rsa_key(), "s")):
        octets = sign(SignedMessage(octets), domain=DOMAIN, selector=selector, key=key, timestamp=NOW) + octets
    for number in range(2):
        block = seal(
            SignedMessage(octets),
            ArcResult(AuthResult.PASS if number else AuthResult.NONE),
            results="mx.example.org; dmarc=pass header.from=example.org",
            domain=DOMAIN,
            selector="e",
            key=KEY,
            timestamp=NOW,
        )
        assert block is not None
        octets = block + octets
    return octets


def mutated(octets: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 6)):
        place, end = chance.randrange(len(octets) + 1), chance.randrange(len(octets) + 1)
        kind = chance.randrange(4)
        if kind == 0:
            octets = octets[:place] + chance.choice(TOKENS) + octets[place:]
        elif kind == 1:
            octets = octets[:place] + octets[place + chance.randrange(1, 40) :]
        elif kind == 2:
            octets = octets[:place] + octets[min(place, end) : max(place, end)][:600] + octets[place:]
        else:
            octets = octets[:place] + chance.choice(TOKENS) + octets[place + chance.randrange(1, 9) :]
    return octets


@pytest.mark.parametrize("seed", range(4))
async def test_mutations(seed: int) -> None:
    chance = random.Random(seed)
    start = seed_message()
    zone = ZoneResolver(
        {
            f"s._domainkey.{DOMAIN}": {"TXT": [key_record(rsa_key())]},
            f"e._domainkey.{DOMAIN}": {"TXT": [key_record(KEY)]},
            f"_dmarc.{DOMAIN}": {"TXT": ["v=DMARC1; p=reject; np=reject"]},
        }
    )
    receiver = ReceiverPolicy(trusted_sealers=frozenset({DOMAIN}), known_lists=frozenset({"example.net"}))
    signed = b"We lost  the game."
    for _ in range(ROUNDS // 4):
        octets = mutated(start, chance)
        resolver = Published(chance, zone)
        sender = chance.choice(("", "joe@example.org", "x@sub.example.org", "y@ü.example", "@@", "z@" + "a." * 120))
        client = Client("2001:db8::1", chance.choice(("mx.example.net", "", "[1.2.3.4]", "x" * 300)), sender)
        findings = await authenticate(octets, client, resolver, NOW, Settings(bimi=True), CACHES)
        results = findings.results
        assert resolver.asked <= MAX_QUESTIONS
        assert len(results.dkim) <= DEFAULT.max_signatures + 1
        if any(one.result is AuthResult.PASS for one in results.dkim):
            assert signed in octets
            assert octets.count(b"From:") >= 1
        decide(results, receiver, corroborated=chance.random() < 0.5)
        rendered = render_field(results, "mx.example.org")
        assert parse_results(rendered.partition(b":")[2].decode()).authserv_id == "mx.example.org"


async def test_a_flood_of_everything() -> None:
    """Ten thousand of each field in one message."""
    fields = b"".join(
        name + b": i=%d; a=rsa-sha256; b=AA; bh=AA; cv=none; d=example.org; s=s; h=from; v=1\r\n" % number
        for name in (b"DKIM-Signature", b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results")
        for number in range(3_000)
    )
    resolver = Published(random.Random(1), ZoneResolver({}))
    octets = b"From: " + b"a@b.example, " * 5_000 + b"\r\n" + fields + MESSAGE
    findings = await authenticate(octets, Client("192.0.2.1", "x.example", ""), resolver, NOW, Settings(), CACHES)
    assert findings.results.arc is not None
    assert findings.results.arc.reason == "more than 50 instances"
    assert resolver.asked <= MAX_QUESTIONS
