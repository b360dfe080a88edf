"""The step that turns evidence and score into each recipient's verdict, and writes what was found out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from posthouse.filter.hits import Hits
from posthouse.filter.steps import FilterContext
from posthouse.mailauth.authres.render import FIELD, render_value
from posthouse.model.authentication import AuthenticationResults
from posthouse.model.envelope import Accepted, Rcpt
from posthouse.model.filter_policy import EffectivePolicy
from posthouse.model.verdict import Verdict
from posthouse.ports.directory import Directory
from posthouse.telemetry.metric_names import TENANT_VERDICTS, VERDICTS
from posthouse.telemetry.metrics import Metrics
from posthouse.verdicts.caution import CAUTION, caution_words
from posthouse.verdicts.evidence import gather_evidence, local_part
from posthouse.verdicts.judge import Judgement, judge
from posthouse.verdicts.outside import with_outside
from posthouse.verdicts.policies import policy_for
from posthouse.verdicts.rulings import with_ruling

AT_ONCE: Final = 32
"""Recipients whose policies are read at the same time."""


class JudgeStep:
    """filter.steps.Step. Required: without the directory nobody knows what a recipient wants, and the message waits."""

    name = "judge"
    required = True
    deadline = 30.0

    def __init__(self, directory: Directory, metrics: Metrics, *, authserv_id: str) -> None:
        self._directory = directory
        self._metrics = metrics
        self._authserv_id = authserv_id
        self._hits = Hits(metrics)

    async def run(self, context: FilterContext) -> Verdict | None:
        accepted = context.accepted
        gathered = await gather_evidence(
            self._directory,
            accepted.peer.ip,
            accepted.envelope.reverse_path,
            accepted.authors,
            accepted.authentication,
            login=bool(accepted.peer.login),
            content=accepted.content,
        )
        policies = await policies_for(self._directory, accepted.envelope.rcpts)
        for place, (rcpt, policy) in enumerate(zip(accepted.envelope.rcpts, policies, strict=True)):
            evidence, card, ruling = gathered, context.scores[place], context.rulings[place]
            if card is not None:
                evidence = replace(evidence, score=card.score, threshold=card.threshold, reasons=card.summary())
            if ruling is not None:
                evidence = with_ruling(evidence, ruling)
            judgement = judge(with_outside(evidence, context.extra), policy, local_part=local_part(rcpt))
            context.verdicts[place] = judgement.verdict
            kind = judgement.verdict.kind.value
            self._metrics.counter(VERDICTS, kind).value += 1
            self._metrics.counter(TENANT_VERDICTS, rcpt.tenant, kind).value += 1
            if card is not None and place == 0:
                self._hits.count(card, judgement.verdict)
            field = self._field(accepted, judgement)
            if field:
                context.rcpt_headers[place].append((FIELD, field))
            if policy.caution and (words := caution_words(evidence, judgement.verdict)):
                context.rcpt_headers[place].append((CAUTION, ", ".join(words)))
        return None

    def _field(self, accepted: Accepted, judgement: Judgement) -> str:
        """Authentication-Results; empty where nobody looked."""
        results, login = accepted.authentication, accepted.peer.login
        if results is None:
            if not login:
                return ""
            results = AuthenticationResults()
        if judgement.overrides:
            results = replace(results, overrides=judgement.overrides)
        return render_value(results, self._authserv_id, login=login)


async def policies_for(directory: Directory, rcpts: Sequence[Rcpt]) -> list[EffectivePolicy]:
    """Parallel to `rcpts`, some at once: a list of thousands must not wait for each look-up alone. Unavailable."""
    if len(rcpts) == 1:
        return [await policy_for(directory, rcpts[0])]
    found: list[EffectivePolicy] = []
    for at in range(0, len(rcpts), AT_ONCE):
        found += await asyncio.gather(*[policy_for(directory, rcpt) for rcpt in rcpts[at : at + AT_ONCE]])
    return found
