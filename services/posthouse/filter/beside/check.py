"""POST /check: a message in, what is to be done with it out, as JSON (docs/guides/beside-postfix.md)."""

from __future__ import annotations

import hmac
from http import HTTPStatus
from typing import Any

from posthouse.filter.beside.judgement import Answer, BesideJudge, Submitted
from posthouse.model.authentication import AuthenticationResults
from posthouse.runtime.http import HttpError, HttpServer, Request, Response
from posthouse.runtime.settings import Secret
from posthouse.telemetry.metric_names import CHECKED_MESSAGES
from posthouse.telemetry.metrics import Metrics

_PARAMETERS = frozenset(("ip", "helo", "from", "rcpt", "user"))


def add_check(http: HttpServer, judge: BesideJudge, metrics: Metrics, token: Secret | None, *, max_size: int) -> None:
    """`token` None = whoever reaches the port may ask."""

    async def check(request: Request) -> Response:
        if token is not None and not hmac.compare_digest(request.bearer.encode(), token.reveal().encode()):
            raise HttpError(HTTPStatus.UNAUTHORIZED, "a bearer token is needed")
        unknown = set(request.query) - _PARAMETERS
        if unknown:
            raise HttpError(HTTPStatus.BAD_REQUEST, f"the parameters are {', '.join(sorted(_PARAMETERS))}")
        if not request.body:
            raise HttpError(HTTPStatus.BAD_REQUEST, "the body is the message; it is empty")
        answer = await judge.judge(_submitted(request))
        metrics.counter(CHECKED_MESSAGES, answer.action).value += 1
        return Response.of_json(as_json(answer))

    http.route("POST", "/check", check, max_body=max_size)


def _submitted(request: Request) -> Submitted:
    query = request.query
    rcpts = tuple(each.strip() for each in query.get("rcpt", "").split(",") if each.strip())
    octets = request.body
    if b"\r\n" not in octets:
        # A file of this machine: signatures count CRLF.
        octets = octets.replace(b"\n", b"\r\n")
    return Submitted(
        octets,
        query.get("ip", ""),
        query.get("helo", ""),
        query.get("from", "").removeprefix("<").removesuffix(">"),
        rcpts,
        query.get("user", ""),
    )


def as_json(answer: Answer) -> dict[str, Any]:
    return {
        "action": answer.action,
        "verdict": answer.verdict.kind.value,
        "score": round(answer.verdict.score, 6),
        "threshold": answer.threshold,
        "why": list(answer.verdict.reasons),
        "reasons": [
            {"name": each.name, "channel": each.channel, "contribution": round(each.contribution, 6)}
            for each in answer.reasons
        ],
        "authentication": None if answer.results is None else _results(answer.results),
        "headers": [{"name": name, "value": value} for name, value in answer.headers],
        "model": answer.model,
    }


def _results(results: AuthenticationResults) -> dict[str, Any]:
    return {
        "spf": None if results.spf is None else results.spf.result.value,
        "dkim": [{"result": each.result.value, "domain": each.domain} for each in results.dkim],
        "dmarc": None if results.dmarc is None else results.dmarc.result.value,
        "arc": None if results.arc is None else results.arc.result.value,
    }
