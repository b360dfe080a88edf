import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.model.authentication import (
    AuthenticationResults,
    AuthResult,
    DkimResult,
    DmarcResult,
    SpfResult,
)
from posthouse.model.reputation import Tally
from posthouse.reputation.tally import CAP, CAPS, aged, contributions, log_odds, subjects_of, together

DAY_US = 86_400 * 1_000_000
counts = st.floats(0, 1e6)
times = st.integers(0, 2_000 * DAY_US)
tallies = st.builds(Tally, times, counts, counts, counts)


def test_counts_halve_every_half_life() -> None:
    tally = aged(Tally(0, 8.0, 4.0, 2.0), 2 * DAY_US, 86_400.0)
    assert tally == Tally(2 * DAY_US, 2.0, 1.0, 0.5)


def test_a_clock_that_went_back_ages_nothing() -> None:
    assert aged(Tally(DAY_US, 8.0), 0, 86_400.0) == Tally(DAY_US, 8.0)


@given(st.lists(tallies, max_size=5), st.integers(2_000, 3_000), st.integers(0, 500))
def test_ageing_in_steps_or_at_once_together_or_apart_is_the_same(many: list[Tally], day: int, later: int) -> None:
    half_life = 30 * 86_400.0
    then, now = day * DAY_US, (day + later) * DAY_US
    at_once = together(many, now, half_life)
    in_steps = aged(together(many, then, half_life), now, half_life)
    for one, other in (
        (at_once.ham, in_steps.ham),
        (at_once.spam, in_steps.spam),
        (at_once.complaints, in_steps.complaints),
    ):
        assert math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)


def test_little_is_nothing() -> None:
    assert log_odds("domain", Tally(0, spam=19.0), 20) == 0
    assert log_odds("domain", Tally(0, spam=20.0), 20) > 0
    assert log_odds("domain", Tally(0, ham=20.0), 20) < 0
    assert log_odds("domain", Tally(0, ham=10.0, spam=10.0), 20) == 0


def test_a_complaint_weighs_more_than_a_message_of_spam() -> None:
    complained, spam = Tally(0, ham=30, complaints=5.0), Tally(0, ham=30, spam=5.0)
    assert log_odds("ip", complained, 1) > log_odds("ip", spam, 1)


@given(st.sampled_from(sorted(CAPS)), tallies, counts)
def test_more_spam_is_never_better_and_all_is_capped(kind: str, tally: Tally, more: float) -> None:
    worse = Tally(tally.at_us, tally.ham, tally.spam + more, tally.complaints)
    least = 0.0
    assert log_odds(kind, tally, least) <= log_odds(kind, worse, least)
    assert abs(log_odds(kind, worse, least)) <= CAPS[kind]


@given(st.dictionaries(st.sampled_from(["domain:a", "domain:b", "ip:c", "net:d"]), tallies))
def test_all_kinds_together_are_capped_and_of_domains_the_worst_counts(known: dict[str, Tally]) -> None:
    said = dict(contributions(known, 20))
    assert abs(sum(said.values())) <= CAP + 1e-9
    assert set(said) <= {"reputation-domain", "reputation-ip", "reputation-net"}


def test_of_several_domains_the_worst_counts() -> None:
    known = {"domain:good.example": Tally(0, ham=1e5), "domain:bad.example": Tally(0, spam=1e5)}
    assert contributions(known, 20) == (("reputation-domain", 2.0),)
    assert contributions({"domain:good.example": Tally(0, ham=1e5)}, 20) == (("reputation-domain", -2.0),)


def test_only_names_that_were_proved_are_remembered() -> None:
    failed = AuthenticationResults(
        spf=SpfResult(AuthResult.FAIL, "claimed.example"), dkim=(DkimResult(AuthResult.FAIL, "forged.example"),)
    )
    assert subjects_of("192.0.2.9", failed) == ("ip:192.0.2.9", "net:192.0.2.0/24")
    proved = AuthenticationResults(
        spf=SpfResult(AuthResult.PASS, "bounce.example"), dkim=(DkimResult(AuthResult.PASS, "a.example"),)
    )
    assert subjects_of("2001:db8::1", proved) == (
        "domain:a.example",
        "domain:bounce.example",
        "ip:2001:db8::1",
        "net:2001:db8::/64",
    )
    author = AuthenticationResults(
        spf=SpfResult(AuthResult.PASS, "bounce.esp.example"),
        dmarc=DmarcResult(AuthResult.PASS, "news.brand.example", organizational_domain="brand.example"),
    )
    assert subjects_of("::ffff:192.0.2.9", author)[0] == "domain:brand.example"
    assert len(subjects_of("::ffff:192.0.2.9", author)) == 3
    assert subjects_of("127.0.0.1", None) == ()
    assert subjects_of("not an address", None) == ()


@pytest.mark.parametrize("kind", sorted(CAPS))
def test_nothing_known_says_nothing(kind: str) -> None:
    assert log_odds(kind, Tally(0), 20) == 0
