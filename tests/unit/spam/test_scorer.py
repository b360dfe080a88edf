"""Scores have reasons that sum to them, repeat themselves, and survive whatever comes."""

import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.hostile_mail import HOSTILE
from harness.mime_octets import anything
from harness.spam_mail import ham, small_model, spam
from posthouse.model.authentication import AuthenticationResults, AuthResult, DmarcPolicy, DmarcResult
from posthouse.model.verdict import VerdictKind
from posthouse.spam.learning.site_memory import SiteMemory
from posthouse.spam.learning.user_delta import Move, UserDelta, slots_of
from posthouse.spam.models.linear import Linear
from posthouse.spam.scorer import Scored, Scorer

_FAILED = AuthenticationResults(dmarc=DmarcResult(AuthResult.FAIL, policy=DmarcPolicy.REJECT))


def summed(scored: Scored) -> float:
    return sum(reason.contribution for reason in scored.reasons)


def test_spam_is_junk_and_ham_is_not() -> None:
    scorer = Scorer(small_model())
    assert all(scorer.score(spam(i)).verdict is VerdictKind.JUNK for i in range(1_000, 1_030))
    assert all(scorer.score(ham(i)).verdict is VerdictKind.ACCEPT for i in range(1_000, 1_030))


def test_reasons_sum_to_the_score_with_everything_taught() -> None:
    scorer, site, user = Scorer(small_model()), SiteMemory(), UserDelta()
    for i in range(20):
        for raw, is_spam in ((spam(i), True), (ham(i), False)):
            scored = scorer.score(raw)
            site.learn(scored.features, is_spam, scored.score)
            user.learn(Move(str((i, is_spam)), is_spam, 0.0, 0, slots_of(scored.features)))
    for raw in (spam(1_000), ham(1_000), b""):
        scored = scorer.score(raw, _FAILED, user, site)
        assert summed(scored) == pytest.approx(scored.score, abs=1e-6)
        assert {"identity", "site memory", "user"} <= {reason.channel for reason in scored.reasons}


def test_evidence_adds_what_it_says_and_silence_adds_nothing() -> None:
    scorer = Scorer(small_model())
    plain, silent, failed = (scorer.score(ham(1), e) for e in (None, AuthenticationResults(), _FAILED))
    assert plain.score == silent.score
    assert failed.score - plain.score == pytest.approx(1.8)


def test_a_model_that_is_broken_in_one_channel_still_judges() -> None:
    from dataclasses import replace

    broken = replace(small_model(), content=Linear(np.zeros(0, np.float32), 0.0))
    scored = Scorer(broken).score(spam(1_000))
    assert scored.verdict is VerdictKind.JUNK
    assert any(r.channel == "content" and r.name.startswith("left out") for r in scored.reasons)


def test_what_was_not_read_is_among_the_reasons() -> None:
    scored = Scorer(small_model()).score(b"Subject: x\n\n" + b"word " * 100_000)
    assert any(reason.name == "not read: text" for reason in scored.reasons)


def test_threads_may_share_a_scorer() -> None:
    scorer = Scorer(small_model())
    expected = [scorer.score(spam(i)).score for i in range(20)]
    found: list[list[float]] = []
    threads = [
        threading.Thread(target=lambda: found.append([scorer.score(spam(i)).score for i in range(20)]))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_messages_are_scored_within_bounds(kind: str) -> None:
    began = time.process_time()
    scored = Scorer(small_model()).score(HOSTILE[kind])
    assert time.process_time() - began < 5.0
    assert np.isfinite(scored.score)
    assert summed(scored) == pytest.approx(scored.score, abs=1e-6)


@settings(max_examples=80)
@given(anything() | st.binary(max_size=300))
def test_any_octets_get_a_score_that_repeats(raw: bytes) -> None:
    scorer = Scorer(small_model())
    scored = scorer.score(raw)
    assert np.isfinite(scored.score)
    assert summed(scored) == pytest.approx(scored.score, abs=1e-6)
    assert scorer.score(raw).score == scored.score
