"""Mutation fuzz of SPF: whatever is published and whoever sends, a result of RFC 7208 in bounded questions.

The oracle: nothing raises; no more than MAX_QUESTIONS are asked; what comes out can be written into a record of the
road and into a reply. Rounds are seeded, so a failure repeats; POSTHOUSE_FUZZ_ROUNDS makes it longer.
"""

import os
import random

import pytest

from harness.spf_suite import Records, SuiteZones, cases
from posthouse.mailauth.spf.check import check_helo, check_mail_from
from posthouse.mailauth.spf.evaluate import MAX_LOOKUPS, MAX_NAMES
from posthouse.model.authentication import AuthResult

ROUNDS = int(os.environ.get("POSTHOUSE_FUZZ_ROUNDS", "1200"))
MAX_QUESTIONS = 1 + MAX_LOOKUPS * (1 + MAX_NAMES) + (1 + MAX_NAMES) + 1
"""The record itself; terms with the hosts of their MX; the client's names; the explanation."""
TOKENS = (
    *(
        "%{d}",
        "%{S}",
        "%{l1r+-}",
        "%{p}",
        "%{ir}",
        "%{",
        "}",
        "%%",
        "%_",
        "%",
        ":",
        "/",
        "//",
        "=",
        " ",
        ".",
        "..",
        "-",
        "~",
    ),
    *(
        "include:",
        "redirect=",
        "exp=",
        "exists:",
        "mx:",
        "ptr",
        "a",
        "ip4:",
        "ip6:",
        "all",
        "v=spf1",
        "\0",
        "é",
        "\udcff",
    ),
    *("9" * 30, "x" * 64, "example.com", "e1.example.com", "1.2.3.4", "::1", "\r\n", "\t"),
)
CASES = list(cases())


def mutated(rng: random.Random, text: str) -> str:
    for _ in range(rng.choice((0, 1, 1, 2, 5))):
        at = rng.randrange(len(text) + 1)
        match rng.randrange(4):
            case 0:
                text = text[:at] + text[at + rng.choice((1, 3, 20)) :]
            case 1:
                text = text[:at] + rng.choice(TOKENS) * rng.choice((1, 1, 2, 40)) + text[at:]
            case 2:
                other = rng.randrange(len(text) + 1)
                text = text[:at] + text[other : other + 30] + text[at:]
            case _:
                text = text[:at] + chr(rng.randrange(256)) + text[at + 1 :]
    return text


def mutated_zones(rng: random.Random, zones: dict[str, Records]) -> dict[str, Records]:
    return {
        name: [
            (kind, mutated(rng, "".join(value) if isinstance(value, list) else str(value)))
            if kind in ("TXT", "PTR", "A", "AAAA") and value != "TIMEOUT"
            else (kind, value)
            for kind, value in entries
        ]
        for name, entries in zones.items()
    }


@pytest.mark.parametrize("seed", range(3))
async def test_any_zone_and_any_sender_give_a_result(seed: int) -> None:
    rng = random.Random(seed)
    seen = set()
    for number in range(ROUNDS):
        case = rng.choice(CASES)
        resolver = SuiteZones(mutated_zones(rng, case.zones))
        mail_from, helo = mutated(rng, case.mail_from), mutated(rng, case.helo)
        if rng.random() < 0.2:
            result = await check_helo(resolver, case.host, helo)
        else:
            result = await check_mail_from(resolver, case.host, mail_from, helo)
        assert isinstance(result.result, AuthResult), number
        assert len(resolver.asked) <= MAX_QUESTIONS, (number, resolver.asked)
        assert (result.domain + result.mechanism + result.explanation).isascii(), (number, result)
        result.reason.encode()
        seen.add(result.result)
    assert seen >= {AuthResult.NONE, AuthResult.NEUTRAL, AuthResult.PASS, AuthResult.FAIL, AuthResult.PERMERROR}
