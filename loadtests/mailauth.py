"""What sender authentication costs: µs of CPU per message, one process, DNS answered from memory.

    python loadtests/mailauth.py [--repeat 5] [--json]

CPU time, best of the repeats. Bars: SPF, one RSA-2048 signature and DMARC of a message of 4 KiB at most 250 µs; an
RSA-2048 signature made at most 450 µs. Beside each the bare RSA operation, which is most of it and not ours.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from harness.signed_mail import DOMAIN, NOW, ed25519_key, key_record, rsa_key
from posthouse.dns.zones import ZoneResolver
from posthouse.mailauth.arc.seal import seal
from posthouse.mailauth.arc.verify import verify as verify_arc
from posthouse.mailauth.dkim.keys import KeyCache
from posthouse.mailauth.dkim.message import SignedMessage
from posthouse.mailauth.dkim.sign import sign
from posthouse.mailauth.dkim.verify import verify as verify_dkim
from posthouse.mailauth.dmarc.evaluate import evaluate
from posthouse.mailauth.dmarc.walk import Walker, parsed_records
from posthouse.mailauth.evaluate import Caches, Client, Settings, authenticate
from posthouse.mailauth.spf.check import check_mail_from
from posthouse.model.authentication import ArcResult, AuthResult, DkimResult, SpfResult
from posthouse.ports.resolver import Answer

BARS = {"SPF + one RSA-2048 + DMARC": 250.0, "sign RSA-2048": 450.0}
HEADER = (
    b"From: Joe <joe@example.org>\r\nTo: Suzie <suzie@example.net>\r\nSubject: Is dinner ready?\r\n"
    b"Date: Fri, 11 Jul 2003 21:00:37 -0700\r\nMessage-ID: <1@example.org>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
)
LINE = b"hello world, this is a line of a usual message of seventy characters.\r\n"
CLIENT = Client("192.0.2.1", "mx.example.org", "joe@example.org")


class Remembering:
    """Each answer is made once: what is measured is not the DNS."""

    def __init__(self, zone: ZoneResolver) -> None:
        self._zone = zone
        self._known: dict[tuple[str, str], Answer] = {}

    async def lookup(self, name: str, kind: str) -> Answer:
        answer = self._known.get((name, kind))
        if answer is None:
            answer = self._known[name, kind] = await self._zone.lookup(name, kind)
        return answer


def resolver() -> Remembering:
    return Remembering(
        ZoneResolver(
            {
                DOMAIN: {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"]},
                f"_dmarc.{DOMAIN}": {"TXT": ["v=DMARC1; p=reject; rua=mailto:r@example.org"]},
                f"s._domainkey.{DOMAIN}": {"TXT": [key_record(rsa_key())]},
                f"e._domainkey.{DOMAIN}": {"TXT": [key_record(ed25519_key())]},
                "mx.example.org": {"TXT": ["v=spf1 a -all"], "A": ["192.0.2.1"]},
                "1.2.0.192.in-addr.arpa": {"PTR": ["mx.example.org"]},
            }
        )
    )


def signed(body: bytes, signatures: int = 1) -> bytes:
    octets = HEADER + body
    for number in range(signatures):
        key, selector = (ed25519_key(), "e") if number % 2 else (rsa_key(), "s")
        octets = sign(SignedMessage(octets), domain=DOMAIN, selector=selector, key=key, timestamp=NOW) + octets
    return octets


def chain(length: int) -> bytes:
    octets = HEADER + LINE * 56
    for number in range(length):
        found = ArcResult(AuthResult.PASS if number else AuthResult.NONE)
        block = seal(
            SignedMessage(octets),
            found,
            results="mx; dmarc=pass",
            domain=DOMAIN,
            selector="s",
            key=rsa_key(),
            timestamp=NOW,
        )
        assert block is not None
        octets = block + octets
    return octets


def steps() -> dict[str, tuple[Callable[[], Awaitable[object]], int]]:
    """Name → one message through that step, and how often it is done in a round."""
    names, caches, keys, records = resolver(), Caches(), KeyCache(), parsed_records()
    body = LINE * 56
    plain, base64_body = signed(body), signed((b"QUJD" * 19 + b"\r\n") * 13_444)
    crowd, fifty = signed(body, 200), chain(50)
    core = Settings(helo=False, arc=False, iprev=False)
    rsa, public = rsa_key(), rsa_key().public_key()
    bare = rsa.sign(plain[:600], PKCS1v15(), SHA256())
    spf = SpfResult(AuthResult.PASS, DOMAIN)
    dkim = (DkimResult(AuthResult.PASS, DOMAIN, "s"),)

    async def bare_sign() -> None:
        rsa.sign(plain[:600], PKCS1v15(), SHA256())

    async def bare_verify() -> None:
        public.verify(bare, plain[:600], PKCS1v15(), SHA256())

    async def signing(selector: str) -> None:
        key = rsa if selector == "s" else ed25519_key()
        sign(SignedMessage(HEADER + body), domain=DOMAIN, selector=selector, key=key, timestamp=NOW)

    return {
        "SPF + one RSA-2048 + DMARC": (lambda: authenticate(plain, CLIENT, names, NOW, core, caches), 500),
        "with HELO, ARC and iprev": (lambda: authenticate(plain, CLIENT, names, NOW, Settings(), caches), 500),
        "SPF alone": (lambda: check_mail_from(names, CLIENT.address, CLIENT.mail_from, CLIENT.helo), 1_000),
        "DKIM alone, RSA-2048": (lambda: verify_dkim(SignedMessage(plain), names, NOW, keys=keys), 500),
        "DMARC alone": (lambda: evaluate((DOMAIN,), True, spf, dkim, Walker(names, records)), 1_000),
        "bare RSA-2048 verification": (bare_verify, 1_000),
        "DKIM of 1 MiB in base64": (lambda: verify_dkim(SignedMessage(base64_body), names, NOW, keys=keys), 10),
        "200 signatures": (lambda: verify_dkim(SignedMessage(crowd), names, NOW, keys=keys), 20),
        "ARC chain of 50": (lambda: verify_arc(SignedMessage(fifty), names, NOW, keys=keys), 5),
        "sign RSA-2048": (lambda: signing("s"), 200),
        "bare RSA-2048 signature": (bare_sign, 200),
        "sign Ed25519": (lambda: signing("e"), 300),
    }


def best(step: Callable[[], Awaitable[object]], times: int, repeat: int) -> float:
    """µs of CPU of one call."""

    async def round_() -> float:
        began = time.process_time()
        for _ in range(times):
            await step()
        return (time.process_time() - began) / times * 1e6

    return min(asyncio.run(round_()) for _ in range(repeat))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    measured = {name: best(step, times, options.repeat) for name, (step, times) in steps().items()}
    if options.json:
        print(json.dumps(measured, indent=2))
        return
    for name, took in measured.items():
        bar = BARS.get(name)
        verdict = "" if bar is None else f"  bar {bar:.0f}  {'ok' if took <= bar else 'SHORT'}"
        print(f"{name:32} {took:10.1f} µs{verdict}")


if __name__ == "__main__":
    main()
