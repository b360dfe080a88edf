import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.filter.external.opinion import NoOpinion, Opinion, safe
from posthouse.filter.external.rspamd import score_of
from posthouse.filter.external.spamassassin import opinion_of

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"


@pytest.mark.parametrize(
    ("score", "points"), [(-50.0, -2.0), (0.0, -2.0), (2.5, -1.0), (5.0, 0.0), (7.5, 1.0), (10.0, 2.0), (900.0, 2.0)]
)
def test_an_opinion_is_bounded_both_ways(score: float, points: float) -> None:
    assert Opinion(score, 5.0).points(2.0) == points


@pytest.mark.parametrize(("body", "score"), [(b'{"score":7.5}', 7.5), (b'{"is_skipped":false,"score":-3}', -3.0)])
def test_rspamd_s_score(body: bytes, score: float) -> None:
    assert score_of(OK + body) == score


@pytest.mark.parametrize(
    "answer",
    [b"", OK, OK + b"[]", OK + b"{", OK + b'{"score":"7"}', OK + b'{"score":true}', OK + b'{"score":1e999}',
     OK + b'{"is_skipped":true,"score":0}', OK.replace(b"200", b"503") + b'{"score":1}'],
)  # fmt: skip
def test_what_is_no_answer_of_rspamd(answer: bytes) -> None:
    with pytest.raises(NoOpinion):
        score_of(answer)


def test_spamassassin_s_score() -> None:
    assert opinion_of(b"SPAMD/1.1 0 EX_OK\r\nSpam: True ; 7.5 / 5.0\r\n\r\nX") == Opinion(7.5, 5.0)
    assert opinion_of(b"SPAMD/1.1 0 EX_OK\r\nContent-length: 0\r\nSpam: False ; -0.1 / 4\r\n\r\n") == Opinion(-0.1, 4.0)


@pytest.mark.parametrize(
    "answer",
    [b"", b"SPAMD/1.1 76 EX_PROTOCOL\r\nSpam: True ; 1 / 5\r\n\r\n", b"SPAMD/1.1 0 EX_OK\r\n\r\nSpam: True ; 1 / 5",
     b"SPAMD/1.1 0 EX_OK\r\nSpam: True ; 1 / 0\r\n\r\n", b"HTTP/1.1 0 OK\r\nSpam: True ; 1 / 5\r\n\r\n"],
)  # fmt: skip
def test_what_is_no_answer_of_spamd(answer: bytes) -> None:
    with pytest.raises(NoOpinion):
        opinion_of(answer)


@given(st.binary(max_size=300))
def test_whatever_answers_there_is_an_opinion_or_none(answer: bytes) -> None:
    for octets in (answer, OK + answer):
        try:
            score_of(octets)
        except NoOpinion:
            pass
    try:
        opinion_of(b"SPAMD/1.1 0 EX_OK\r\n" + answer)
    except NoOpinion:
        pass


def test_nothing_of_the_envelope_ends_a_line() -> None:
    assert safe("a\r\nb: c\x00ü" + "x" * 2000) == "ab: c" + "x" * 995
