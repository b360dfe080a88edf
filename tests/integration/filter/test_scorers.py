"""Processes that score: the answer is the scorer's, and one that is late or dies takes one message along."""

import asyncio
import errno
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.model_stores import model_octets
from harness.spam_mail import ham, small_model, spam
from harness.waiting import until
from posthouse.filter.models import InUse
from posthouse.filter.scorers import ScorerPool
from posthouse.model.authentication import AuthenticationResults, AuthResult, SpfResult
from posthouse.model.errors import Unavailable
from posthouse.model.ids import DomainName, TenantName
from posthouse.runtime.system import SystemClock
from posthouse.spam.models.model_file import dump
from posthouse.spam.scorer import Scorer
from posthouse.telemetry.metric_names import SCORER_RESTARTS, SCORES, SHADOW_VERDICTS
from posthouse.telemetry.metrics import Metrics

ORG, NET = DomainName("example.org"), DomainName("example.net")
MEMORY = 2 * 1024 * 1024 * 1024


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "small.model"
    path.write_bytes(dump(small_model()))
    return path


class Chosen:
    """filter.scorers.ModelsInUse."""

    def __init__(self) -> None:
        self.by_tenant: dict[str, InUse] = {}

    def of(self, tenant: str) -> InUse:
        return self.by_tenant.get(tenant, InUse())


@asynccontextmanager
async def pool(
    model: Path,
    metrics: Metrics | None = None,
    *,
    processes: int = 1,
    seconds: float = 60.0,
    models: Chosen | None = None,
    shadow: float = 0.0,
) -> AsyncIterator[ScorerPool]:
    scorers = ScorerPool(
        model,
        SystemClock(),
        metrics or Metrics(),
        processes=processes,
        seconds=seconds,
        memory=MEMORY,
        models=models,
        shadow=shadow,
    )
    async with asyncio.TaskGroup() as group:
        running = group.create_task(scorers.run())
        try:
            yield scorers
        finally:
            await scorers.drain()
        await running


def scoring() -> list[int]:
    """Pids of the processes that score for this one."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes()
            except FileNotFoundError:
                continue
            if b"posthouse.filter.scorer_process" in line:
                found.append(int(pid))
    return found


async def test_what_comes_back_is_what_the_scorer_says(model: Path) -> None:
    evidence = AuthenticationResults(spf=SpfResult(AuthResult.FAIL, "example.net"))
    async with pool(model, processes=2) as scorers:
        messages = [make(number) for number in range(600, 610) for make in (spam, ham)]
        answers = await asyncio.gather(*[scorers.score(each, evidence, [ORG, NET]) for each in messages])
    scorer = Scorer(small_model())
    for message, cards in zip(messages, answers, strict=True):
        expected = scorer.score(message, evidence)
        assert [card.score for card in cards] == [expected.score] * 2
        assert cards[0].threshold == expected.threshold
        assert sum(reason.contribution for reason in cards[0].reasons) == pytest.approx(expected.score, abs=0.01)
    assert scoring() == []


async def test_one_that_dies_is_replaced_and_takes_its_message_along(model: Path) -> None:
    metrics = Metrics()
    async with pool(model, metrics) as scorers:
        await scorers.score(ham(1), None, [ORG])
        [pid] = scoring()
        os.kill(pid, signal.SIGSTOP)
        lost = asyncio.ensure_future(scorers.score(spam(1), None, [ORG]))
        waits = asyncio.ensure_future(scorers.score(spam(2), None, [ORG]))
        await until(lambda: scorers.waiting == 1)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(Unavailable, match="died"):
            await lost
        [card] = await waits
        assert card.score > card.threshold
        assert metrics.counter(SCORES, "died").value == 1
        assert metrics.counter(SCORER_RESTARTS).value == 1


async def test_one_that_is_late_is_replaced(model: Path) -> None:
    metrics = Metrics()
    async with pool(model, metrics, seconds=2.0) as scorers:
        await scorers.score(ham(1), None, [ORG])
        [pid] = scoring()
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(Unavailable, match="not scored within"):
            await scorers.score(spam(1), None, [ORG])
        assert metrics.counter(SCORES, "late").value == 1
        [card] = await scorers.score(spam(2), None, [ORG])
        assert card.score > card.threshold
        assert scoring() != [pid]


async def test_who_comes_when_the_line_is_full_is_told_at_once(model: Path) -> None:
    async with pool(model) as scorers:
        await scorers.score(ham(1), None, [ORG])
        [pid] = scoring()
        os.kill(pid, signal.SIGSTOP)
        line = [asyncio.ensure_future(scorers.score(ham(0), None, [ORG]))]
        await until(lambda: scorers.in_hand == 1)
        line += [asyncio.ensure_future(scorers.score(ham(number), None, [ORG])) for number in range(64)]
        await until(lambda: scorers.waiting == 64)
        with pytest.raises(Unavailable, match="too many"):
            await scorers.score(ham(99), None, [ORG])
        os.kill(pid, signal.SIGCONT)
        assert len(await asyncio.gather(*line)) == 65


async def test_without_a_model_nobody_waits_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "broken.model"
    path.write_bytes(b"no model")
    async with pool(path) as scorers:
        assert scorers.unready() == "no scorer has its model yet"
        with pytest.raises(Unavailable, match="could be started"):
            await scorers.score(ham(1), None, [ORG])


async def test_a_process_that_cannot_be_made_is_tried_again(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make, refusals = asyncio.create_subprocess_exec, [OSError(errno.EMFILE, "no descriptor left")]

    async def refused(*arguments: Any, **named: Any) -> asyncio.subprocess.Process:
        if refusals:
            raise refusals.pop()
        return await make(*arguments, **named)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", refused)
    async with pool(model) as scorers:
        with pytest.raises(Unavailable, match="could be started"):
            await scorers.score(ham(1), None, [ORG])
        assert len(await scorers.score(ham(2), None, [ORG])) == 1


async def test_a_promoted_model_scores_without_a_restart(model: Path, tmp_path: Path) -> None:
    chosen, strict = Chosen(), tmp_path / "strict.model"
    strict.write_bytes(model_octets(-50.0))
    tenants = [TenantName("acme"), TenantName("other")]
    async with pool(model, models=chosen) as scorers:
        before = await scorers.score(ham(1), None, [ORG, NET], (), tenants)
        pids = scoring()
        chosen.by_tenant["acme"] = InUse(str(strict))
        after = await scorers.score(ham(1), None, [ORG, NET], (), tenants)
        studied = await scorers.study(ham(1), ORG, tenants[0])
        assert scoring() == pids
    assert after[1] == before[1] == before[0]
    assert after[0].threshold == studied.threshold == -50.0


async def test_a_challenger_is_counted_and_changes_nothing(model: Path, tmp_path: Path) -> None:
    chosen, strict, metrics = Chosen(), tmp_path / "strict.model", Metrics()
    strict.write_bytes(model_octets(-50.0))
    chosen.by_tenant["acme"] = InUse("", str(strict))
    tenants = [TenantName("acme")]

    def counted() -> list[int]:
        kinds = ("both_ham", "both_junk", "champion_junk", "challenger_junk")
        return [metrics.counter(SHADOW_VERDICTS, kind).value for kind in kinds]

    async with pool(model, metrics, models=chosen, shadow=1.0) as scorers:
        plain = await scorers.score(ham(1), None, [ORG])
        assert await scorers.score(ham(1), None, [ORG], (), tenants) == plain
        await scorers.score(spam(1), None, [ORG], (), tenants)
        assert counted() == [0, 1, 0, 1]
    async with pool(model, metrics, models=chosen) as scorers:
        await scorers.score(ham(1), None, [ORG], (), tenants)
        assert counted() == [0, 1, 0, 1]
