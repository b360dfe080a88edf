"""What SPF and Authentication-Results cost: µs of CPU each, one process, DNS answered from memory, pyspf beside.

    python loadtests/sender_policy.py [--repeat 5] [--json]

CPU time, best of the repeats. `first seen`: the records are parsed anew each time, as when nobody sent from there yet.
pyspf parses them each time by its nature, and is given its DNS from memory too.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from harness.spf_peer import peer_result
from harness.spf_suite import Records, SuiteZones
from posthouse.mailauth.authres.ours import OurNames
from posthouse.mailauth.authres.parse import parse as parse_results
from posthouse.mailauth.authres.render import render_field
from posthouse.mailauth.spf.check import check_mail_from
from posthouse.mailauth.spf.record import KEPT
from posthouse.model.authentication import (
    AuthenticationResults,
    AuthResult,
    DkimResult,
    DmarcPolicy,
    DmarcResult,
    IprevResult,
    SpfResult,
)
from posthouse.ports.resolver import Answer

HOST = "mx.example.org"
CLIENT = "192.0.2.9"


def networks(form: str, count: int) -> Records:
    return [("TXT", "v=spf1 " + " ".join(form.format(n) for n in range(count)) + " ~all")]


ZONES: dict[str, Records] = {
    "own.example": [("TXT", "site-verification=x"), ("TXT", "v=spf1 ip4:192.0.2.0/24 -all")],
    "hosted.example": [("TXT", "v=spf1 include:_spf.hosted.example ~all")],
    "_spf.hosted.example": [("TXT", "v=spf1 " + " ".join(f"include:_n{n}.hosted.example" for n in range(3)) + " ~all")],
    "_n0.hosted.example": networks("ip4:198.18.{}.0/24", 12),
    "_n1.hosted.example": networks("ip6:2001:db8:{}::/48", 8),
    "_n2.hosted.example": networks("ip4:198.19.{}.0/24", 20),
    "macros.example": [
        ("TXT", "v=spf1 a mx exists:%{ir}.%{l1r-}.x.%{d2} -all"),
        ("A", "198.51.100.1"),
        ("MX", [10, "mx1.macros.example"]),
        ("MX", [20, "mx2.macros.example"]),
    ],
    "mx1.macros.example": [("A", "198.51.100.2")],
    "mx2.macros.example": [("A", "198.51.100.3")],
}
SENDERS = {
    "one network": "own.example",
    "four includes of 40 networks": "hosted.example",
    "a, mx, exists with macros": "macros.example",
}
RESULTS = AuthenticationResults(
    spf=SpfResult(AuthResult.PASS, "own.example", "mfrom", "ip4:192.0.2.0/24"),
    helo=SpfResult(AuthResult.NONE, "mail.own.example", "helo"),
    dkim=(
        DkimResult(
            AuthResult.PASS, "own.example", "s1", "@own.example", "rsa-sha256", 2048, signature_start="abcdefgh"
        ),
    ),
    dmarc=DmarcResult(AuthResult.PASS, "own.example", "own.example", "own.example", DmarcPolicy.REJECT),
    iprev=IprevResult(AuthResult.PASS, CLIENT, "mail.own.example"),
)


class Remembering:
    """Each answer is made once: what is measured is not the DNS."""

    def __init__(self) -> None:
        self._zones = SuiteZones(ZONES)
        self._known: dict[tuple[str, str], Answer] = {}

    async def lookup(self, name: str, kind: str) -> Answer:
        answer = self._known.get((name, kind))
        if answer is None:
            answer = self._known[name, kind] = await self._zones.lookup(name, kind)
        return answer


async def best(work: Callable[[], Awaitable[object]], times: int, repeat: int) -> float:
    """CPU µs of one call."""
    found = []
    for _ in range(repeat):
        began = time.process_time()
        for _ in range(times):
            await work()
        found.append(time.process_time() - began)
    return min(found) / times * 1e6


def awaited(work: Callable[[], object]) -> Callable[[], Awaitable[object]]:
    async def call() -> object:
        return work()

    return call


async def measure(repeat: int) -> dict[str, float]:
    resolver = Remembering()
    figures: dict[str, float] = {}
    for name, domain in SENDERS.items():
        sender = f"user-x@{domain}"
        expected = peer_result(ZONES, CLIENT, sender, HOST)[0]
        ours = (await check_mail_from(resolver, CLIENT, sender, HOST)).result
        if ours != expected:
            raise SystemExit(f"{name}: {ours}, pyspf says {expected}")

        async def warm(sender: str = sender) -> object:
            return await check_mail_from(resolver, CLIENT, sender, HOST)

        async def cold(sender: str = sender) -> object:
            KEPT.clear()
            return await check_mail_from(resolver, CLIENT, sender, HOST)

        def peer(sender: str = sender) -> object:
            return peer_result(ZONES, CLIENT, sender, HOST)

        figures[f"SPF, {name}"] = await best(warm, 2_000, repeat)
        figures[f"SPF, {name}, first seen"] = await best(cold, 200, repeat)
        figures[f"pyspf, {name}"] = await best(awaited(peer), 100, repeat)
    field = render_field(RESULTS, HOST)
    value = field.partition(b":")[2]
    names = OurNames([HOST])
    figures["our field written"] = await best(awaited(lambda: render_field(RESULTS, HOST)), 1_000, repeat)
    figures["a field read"] = await best(awaited(lambda: parse_results(value.decode())), 500, repeat)
    figures["is it forged in our name"] = await best(awaited(lambda: names.claimed_by(value)), 5_000, repeat)
    return figures


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--repeat", type=int, default=5)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    figures = asyncio.run(measure(chosen.repeat))
    if chosen.json:
        print(json.dumps(figures))
        return
    for name, microseconds in figures.items():
        print(f"{name:45}{microseconds:9.1f} µs")


if __name__ == "__main__":
    main()
