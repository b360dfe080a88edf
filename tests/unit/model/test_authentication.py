from dataclasses import replace

from posthouse.model.authentication import (
    ArcResult,
    AuthenticationResults,
    AuthResult,
    DkimResult,
    DmarcResult,
    SpfResult,
)


def test_only_what_passed_proves_a_domain() -> None:
    results = AuthenticationResults(
        spf=SpfResult(AuthResult.SOFTFAIL, "bounce.example"),
        dkim=(DkimResult(AuthResult.PASS, "one.example"), DkimResult(AuthResult.FAIL, "two.example")),
    )
    assert results.domains == {"one.example"}
    assert results.reverse_path_proved("one.example")
    assert not results.reverse_path_proved("bounce.example")
    assert not results.reverse_path_proved("two.example")


def test_spf_proves_the_domain_it_was_asked_for() -> None:
    results = AuthenticationResults(spf=SpfResult(AuthResult.PASS, "bounce.example"))
    assert results.reverse_path_proved("bounce.example")
    assert not results.reverse_path_proved("example")


def test_an_author_is_proved_by_dmarc_alone() -> None:
    passing = (DkimResult(AuthResult.PASS, "other.example"),)
    assert not AuthenticationResults(dkim=passing).author_proved
    assert not AuthenticationResults(dkim=passing, dmarc=DmarcResult(AuthResult.FAIL, "author.example")).author_proved
    assert AuthenticationResults(dkim=passing, dmarc=DmarcResult(AuthResult.PASS, "author.example")).author_proved


def test_nothing_looked_at_proves_nothing() -> None:
    assert AuthenticationResults().domains == frozenset()
    assert not AuthenticationResults().author_proved


def test_in_short_are_result_words_alone() -> None:
    results = AuthenticationResults(
        spf=SpfResult(AuthResult.SOFTFAIL, "bounce.example", explanation="dmarc=pass"),
        dkim=(DkimResult(AuthResult.FAIL, "two.example"), DkimResult(AuthResult.PASS, "one.example")),
        dmarc=DmarcResult(AuthResult.PASS, "author.example"),
        arc=ArcResult(AuthResult.NONE),
    )
    assert results.in_short == "spf=softfail dkim=pass dmarc=pass"
    assert replace(results, dkim=(), dmarc=None).in_short == "spf=softfail dkim=none"
    assert replace(results, arc=ArcResult(AuthResult.FAIL)).in_short.endswith(" arc=fail")
    assert AuthenticationResults().in_short == ""
