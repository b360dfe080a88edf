"""Thousands of generated domains, records and senders: our result is pyspf's.

Where pyspf (2.0.14) reads the RFC otherwise, the generator keeps off, and test_evaluate.py has our reading: an include
of the own domain is a syntax error there, even behind the term that matches; `%{d0}` in a redirect= not followed is
none, nor is `%{dd}`; an unknown modifier may stand once only; `@example.com` expands to no local part; void look-ups
are counted by question, not by term. Rounds are seeded, so a failure repeats; POSTHOUSE_FUZZ_ROUNDS makes it longer.
"""

import os
import random
from collections import Counter

import pytest

from harness.spf_peer import peer_result
from harness.spf_suite import TIMEOUT, Records, SuiteZones
from posthouse.mailauth.spf.check import check_mail_from

ROUNDS = int(os.environ.get("POSTHOUSE_FUZZ_ROUNDS", "700"))
DOMAINS = ("example.com", "mail.example.com", "a.example", "b.example", "c.example", "d-1.example", "x.y.z.example")
HOSTS = ("mx1.example.com", "mx2.example.com", "h.a.example", "h.b.example", "lost.example")
V4 = ("192.0.2.1", "192.0.2.77", "198.51.100.9", "203.0.113.200", "10.1.2.3")
V6 = ("2001:db8::1", "2001:db8:1:2::f00d", "2001:db8::dead:beef", "fd00::1")
LOCALS = ("user", "strong-bad", "a.b-c+d", "x=y", "u_v/w")
MACROS = (
    "%{d}",
    "%{d2}",
    "%{d1r}",
    "%{o}",
    "%{h}",
    "%{i}",
    "%{ir}",
    "%{v}",
    "%{l}",
    "%{l-}",
    "%{lr-}",
    "%{l1r+-}",
    "%{s}",
)
BROKEN = ("%{x}", "%", "%{d", "%(d)", "%{c}.example", "a b")
EXPLANATIONS = ("not %{i} for %{s}", "see http://%{h}/?s=%{S}", "%{c} %{d2} %{v} 100%%%_%-", "%{z}", "plain", "é")


def domain_spec(rng: random.Random) -> str:
    match rng.randrange(12):
        case 0:
            return rng.choice(MACROS) + "." + rng.choice(DOMAINS)
        case 1:
            return ".".join(rng.choices(MACROS, k=rng.randrange(1, 4))) + ".e.example"
        case 2:
            return rng.choice(BROKEN)
        case 3:
            return rng.choice(
                ("example", "example.com.", "exa_mple.com", "x.123", "1.2.3.4", "-.com", "x..example", "")
            )
        case _:
            return rng.choice(DOMAINS + HOSTS)


def cidr(rng: random.Random, longest: int) -> str:
    if rng.random() < 0.5:
        return ""
    return "/" + str(rng.choice((0, 8, 16, 24, 28, 31, 32, 33, 48, 64, 127, 128, 129, "08", longest)))


def directive(rng: random.Random, spec: str) -> str:
    """Terms that may match with what follows; `spec` of the ones that ask DNS."""
    qualifier = rng.choice(("", "", "", "+", "-", "~", "?"))
    match rng.randrange(9):
        case 0:
            return f"{qualifier}ip4:{rng.choice((*V4, '192.0.2.0', '1.2.3', '1.2.3.256'))}{cidr(rng, 32)}"
        case 1:
            return f"{qualifier}ip6:{rng.choice((*V6, '2001:db8::', '::1::', '::ffff:192.0.2.1'))}{cidr(rng, 128)}"
        case 2:
            second = "/" + cidr(rng, 128) if rng.random() < 0.3 else ""
            name = rng.choice(("a", "mx", "A", "Mx"))
            tail = cidr(rng, 32) + (second if len(second) > 1 else "")
            return qualifier + name + (":" + spec if rng.random() < 0.8 else "") + tail
        case 3:
            return f"{qualifier}exists:{spec}"
        case 4 | 5:
            return f"{qualifier}include:{spec}"
        case 6:
            return f"{qualifier}ptr" + (f":{spec}" if rng.random() < 0.7 else "")
        case 7:
            return rng.choice(("all", "-all", "~all", "?all", "+all", "-ALL"))
        case _:
            return rng.choice(
                ("foo=bar", "x=%{d}", "y=%{q}", "moo", "all:x", "=x", "ip4", "a:", "-", "exists", "include")
            )


def record(rng: random.Random, domain: str, garbage: float) -> str:
    terms = []
    for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 5))):
        term = directive(rng, domain_spec(rng))
        if term.rstrip(".").endswith(f"include:{domain}") or ("=" in term and term in terms):
            continue
        if rng.random() < garbage or not any(broken in term for broken in (*BROKEN, "moo", "%{q}", "all:x", "=x")):
            terms.append(term)
    if rng.random() < 0.3:
        terms.append(rng.choice(("-all", "~all", "?all")))
    if rng.random() < 0.2:
        terms.append(f"redirect={domain_spec(rng)}")
    if rng.random() < 0.25:
        terms.append(f"exp={rng.choice(('e.example', 'lost.example', '%{d}', 'e.%{o}'))}")
    if rng.random() < 0.1:
        rng.shuffle(terms)
    version = rng.choice(("v=spf1",) * 10 + ("V=SpF1", "v=spf10"))
    return (version + " " + rng.choice((" ", "  ")).join(terms)).rstrip() if terms else version


def zones(rng: random.Random) -> dict[str, Records]:
    found: dict[str, Records] = {}
    garbage = rng.choice((0.0, 0.0, 0.2))
    for domain in DOMAINS:
        entries: Records = []
        for _ in range(rng.choice((0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2))):
            entries.append(("TXT", [record(rng, domain, garbage)]))
        if rng.random() < 0.4:
            entries.append(("TXT", ["something else"]))
        entries += [("A", address) for address in rng.sample(V4, rng.randrange(1, 3))]
        entries += [("AAAA", address) for address in rng.sample(V6, rng.randrange(1, 3))]
        entries += [("MX", [10 * n, host]) for n, host in enumerate(rng.sample(HOSTS[:4], rng.randrange(1, 4)))]
        if rng.random() < 0.03:
            entries.append(("TXT", TIMEOUT))
        if rng.random() < 0.03:
            entries.append(("MX", TIMEOUT))
        found[domain] = entries
    for host in HOSTS[:4]:
        found[host] = [("A", rng.choice(V4)), ("AAAA", rng.choice(V6))]
    found["e.example"] = [("TXT", [rng.choice(EXPLANATIONS)])]
    for address in ("1.2.0.192.in-addr.arpa", "77.2.0.192.in-addr.arpa", "9.100.51.198.in-addr.arpa"):
        found[address] = [("PTR", name) for name in rng.sample(DOMAINS + HOSTS[:4], rng.randrange(1, 5))]
    return found


@pytest.mark.parametrize("seed", range(10))
async def test_our_result_is_that_of_pyspf(seed: int) -> None:
    rng = random.Random(seed)
    seen: Counter[str] = Counter()
    for number in range(ROUNDS):
        zone = zones(rng)
        address = rng.choice((*V4, *V6, "::ffff:192.0.2.1"))
        domain = rng.choice(DOMAINS)
        mail_from = rng.choice(("", f"{rng.choice(LOCALS)}@{domain}", f"user@{domain}"))
        helo = rng.choice((domain, "mx1.example.com", "example.com", "localhost", "[192.0.2.1]"))
        ours = await check_mail_from(SuiteZones(zone), address, mail_from, helo)
        theirs, explanation = peer_result(zone, address, mail_from, helo)
        assert ours.result == theirs, (number, address, mail_from, helo, ours, zone)
        if theirs == "fail":
            assert (ours.explanation or "DEFAULT") == explanation, (number, address, mail_from, helo, zone)
            seen["explained"] += explanation != "DEFAULT"
        seen[theirs] += 1
    # A generator that makes one kind of result only would show nothing.
    assert set(seen) == {"none", "neutral", "pass", "fail", "softfail", "permerror", "temperror", "explained"}
