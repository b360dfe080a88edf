"""rspamd, asked by `POST /checkv2` of its normal worker."""

from __future__ import annotations

import math

import orjson

from posthouse.filter.external.opinion import NoOpinion, Opinion, exchanged, safe
from posthouse.filter.external.settings import RspamdSettings
from posthouse.model.envelope import Accepted


class Rspamd:
    """filter.external.opinion.ExternalScorer."""

    name = "rspamd"

    def __init__(self, settings: RspamdSettings) -> None:
        self.weight = settings.weight
        self._settings = settings

    async def ask(self, accepted: Accepted, octets: bytes) -> Opinion:
        fields = [
            ("Host", self._settings.address),
            ("Connection", "close"),
            ("Content-Length", str(len(octets))),
            ("IP", accepted.peer.ip),
            ("Helo", accepted.peer.helo),
            ("From", accepted.envelope.reverse_path),
            ("Queue-Id", accepted.queue_id),
            *(("Rcpt", rcpt.address) for rcpt in accepted.envelope.rcpts[:50]),
        ]
        head = "POST /checkv2 HTTP/1.1\r\n" + "".join(f"{name}: {safe(value)}\r\n" for name, value in fields if value)
        answer = await exchanged(self._settings.address, (head.encode() + b"\r\n", octets), self._settings.timeout)
        return Opinion(score_of(answer), self._settings.spam)


def score_of(answer: bytes) -> float:
    """Of an HTTP response. NoOpinion when it has none."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
        raise NoOpinion(f"rspamd answered {head[:80]!r}")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NoOpinion("rspamd's answer is no JSON") from error
    score = found.get("score") if isinstance(found, dict) else None
    if found.get("is_skipped") if isinstance(found, dict) else True:
        raise NoOpinion("rspamd skipped it")
    if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
        raise NoOpinion("rspamd's answer has no score")
    return float(score)
