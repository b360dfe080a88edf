"""POST /check: what is asked, what is answered."""

from collections.abc import Mapping
from types import MappingProxyType

import pytest

from posthouse.filter.beside.check import add_check, as_json
from posthouse.filter.beside.judgement import Answer, Submitted
from posthouse.model.authentication import AuthenticationResults, AuthResult, DkimResult, SpfResult
from posthouse.model.score import ScoreReason
from posthouse.model.verdict import ACCEPT, Verdict, VerdictKind
from posthouse.runtime.http import Handler, HttpError, Request
from posthouse.runtime.settings import Secret
from posthouse.telemetry.metric_names import CHECKED_MESSAGES
from posthouse.telemetry.metrics import Metrics


class Judge:
    def __init__(self) -> None:
        self.seen: list[Submitted] = []

    async def judge(self, submitted: Submitted) -> Answer:
        self.seen.append(submitted)
        return Answer("accept", ACCEPT)


class Routes:
    """The part of HttpServer that routes are added to."""

    def __init__(self) -> None:
        self.added: dict[tuple[str, str], tuple[Handler, int]] = {}

    def route(self, method: str, path: str, handler: Handler, *, max_body: int) -> None:
        self.added[method, path] = (handler, max_body)


def made(token: str | None = None) -> tuple[Handler, Judge, Metrics]:
    routes, judge, metrics = Routes(), Judge(), Metrics()
    add_check(routes, judge, metrics, None if token is None else Secret(token), max_size=99)  # type: ignore[arg-type]
    handler, max_body = routes.added["POST", "/check"]
    assert max_body == 99
    return handler, judge, metrics


def request(
    body: bytes = b"a: b\r\n\r\nc\r\n", *, token: str = "", query: Mapping[str, str] = MappingProxyType({})
) -> Request:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return Request("POST", "/check", query, headers, body)


async def test_the_envelope_comes_in_parameters() -> None:
    check, judge, metrics = made()
    asked = {"ip": "192.0.2.7", "helo": "h", "from": "<a@b.example>", "rcpt": "x@y.example, z@y.example", "user": "u"}
    response = await check(request(query=asked))
    assert response.status == 200
    expected = Submitted(b"a: b\r\n\r\nc\r\n", "192.0.2.7", "h", "a@b.example", ("x@y.example", "z@y.example"), "u")
    assert judge.seen == [expected]
    assert metrics.counter(CHECKED_MESSAGES, "accept").value == 1


async def test_a_file_with_bare_line_ends_gets_those_of_mail() -> None:
    check, judge, _ = made()
    await check(request(b"a: b\n\nc\n"))
    assert judge.seen[0].octets == b"a: b\r\n\r\nc\r\n"


@pytest.mark.parametrize(("token", "status"), [("", 401), ("wrong", 401), ("secr\u00e9t", 200)])
async def test_a_token_is_asked_for_where_one_is_set(token: str, status: int) -> None:
    check, judge, _ = made("secr\u00e9t")
    if status == 200:
        assert (await check(request(token=token))).status == 200
        return
    with pytest.raises(HttpError) as refused:
        await check(request(token=token))
    assert refused.value.status == status
    assert judge.seen == []


@pytest.mark.parametrize("asked", [request(b""), request(query={"sender": "a@b.example"})])
async def test_what_makes_no_sense_is_refused(asked: Request) -> None:
    check, judge, _ = made()
    with pytest.raises(HttpError) as refused:
        await check(asked)
    assert refused.value.status == 400
    assert judge.seen == []


def test_the_answer_as_json() -> None:
    results = AuthenticationResults(
        spf=SpfResult(AuthResult.PASS, "b.example"), dkim=(DkimResult(AuthResult.FAIL, "c.example"),)
    )
    verdict = Verdict(VerdictKind.JUNK, 4.0, ("content+4.0",))
    reasons = (ScoreReason("word 'x'", "words", 4.0),)
    answer = Answer("accept", verdict, 3.0, reasons, results, (("X-Posthouse-Spam", "yes"),), "v1")
    assert as_json(answer) == {
        "action": "accept",
        "verdict": "junk",
        "score": 4.0,
        "threshold": 3.0,
        "why": ["content+4.0"],
        "reasons": [{"name": "word 'x'", "channel": "words", "contribution": 4.0}],
        "authentication": {
            "spf": "pass",
            "dkim": [{"result": "fail", "domain": "c.example"}],
            "dmarc": None,
            "arc": None,
        },
        "headers": [{"name": "X-Posthouse-Spam", "value": "yes"}],
        "model": "v1",
    }
