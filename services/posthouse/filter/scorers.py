"""Processes that score, so many at once, each with one message in hand: `filter.score.MessageScorer`.

A process that is late with a message, or that dies of it, is replaced; that message goes on without a score, all
others wait a moment longer. Waiting is bounded: who comes when the line is full is told so at once.
"""

from __future__ import annotations

import asyncio
import pickle
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from posthouse.filter.drift import Drift
from posthouse.filter.models import InUse
from posthouse.filter.score import NotScored
from posthouse.filter.scorer_process import LENGTH, READY, Job, Lecture, Study, frame
from posthouse.model.authentication import AuthenticationResults
from posthouse.model.errors import Unavailable
from posthouse.model.ids import DomainName, TenantName
from posthouse.model.score import ScoreCard
from posthouse.ports.clock import Clock
from posthouse.runtime.component import Service
from posthouse.spam.models.model_file import BadModelError, load
from posthouse.telemetry.logging import EventLogger
from posthouse.telemetry.metric_names import SCORE_DRIFT, SCORER_RESTARTS, SCORES, SHADOW_VERDICTS
from posthouse.telemetry.metrics import Metrics

log = EventLogger("posthouse.filter.scorers")

START_SECONDS: Final = 60.0
"""For a process to load its model, on a machine that is busy."""
SAMPLED: Final = 8_192
"""Octets of a message by which it is chosen for the shadow."""
LINE: Final = 64
"""Messages that wait for each process."""
PAUSE: Final = 1.0
"""Seconds before a process that could not be started is tried again."""


@dataclass(slots=True)
class _Waiting:
    job: Job | Study
    answer: asyncio.Future[Any]
    """Sequence[ScoreCard] or Lecture."""


class ModelsInUse(Protocol):
    def of(self, tenant: str) -> InUse: ...


class ScorerPool(Service):
    name = "scorers"

    def __init__(
        self,
        model: Path,
        clock: Clock,
        metrics: Metrics,
        *,
        processes: int,
        seconds: float,
        memory: int,
        models: ModelsInUse | None = None,
        shadow: float = 0.0,
        drift: Drift | None = None,
    ) -> None:
        """`seconds` for one message; `memory` octets of address space for one process. `model` scores where `models`
        names none; `shadow`: share of messages that a challenger scores too."""
        self._model = model
        self._clock = clock
        self._metrics = metrics
        self._processes = processes
        self._seconds = seconds
        self._memory = memory
        self._models = models
        self._shadow = shadow * 2**32
        self._drift = drift or Drift(clock.monotonic)
        metrics.gauge_from(SCORE_DRIFT, self._drift.index)
        self._line: asyncio.Queue[_Waiting | None] = asyncio.Queue()
        self._ready = 0
        self.in_hand = 0
        """Messages that a process has in hand."""

    @property
    def waiting(self) -> int:
        """Messages that no process has in hand yet."""
        return self._line.qsize()

    async def start(self) -> None:
        try:
            self._drift.expect(await asyncio.to_thread(lambda: load(self._model.read_bytes())))
        except (OSError, BadModelError) as error:
            log.error("the model cannot be used", model=str(self._model), exc_info=error)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self._processes):
                group.create_task(self._work())

    async def drain(self) -> None:
        for _ in range(self._processes):
            self._line.put_nowait(None)

    def unready(self) -> str | None:
        return None if self._ready else "no scorer has its model yet"

    async def score(
        self,
        octets: bytes,
        evidence: AuthenticationResults | None,
        domains: Sequence[DomainName],
        taught: Sequence[bytes] = (),
        tenants: Sequence[TenantName] = (),
    ) -> Sequence[ScoreCard]:
        models: Sequence[str] = ()
        shadow = ""
        if self._models is not None and tenants:
            used = [self._models.of(tenant) for tenant in tenants]
            models, shadow = [each.champion for each in used], used[0].challenger
            # By the head of the message, not by chance: the same message is chosen again when it is tried again.
            if shadow and zlib.crc32(octets[:SAMPLED]) >= self._shadow:
                shadow = ""
        cards: Sequence[ScoreCard] = await self._ask(Job(octets, evidence, domains, taught, models, shadow))
        if len(cards) > len(domains):
            self._compare(cards[0], cards[-1])
        if cards:
            self._drift.observe(cards[0])
        return cards[: len(domains)]

    async def study(self, octets: bytes, domain: DomainName, tenant: TenantName) -> Lecture:
        """As `score`, for learning: waits behind all mail that is in line."""
        model = "" if self._models is None else self._models.of(tenant).champion
        lecture: Lecture = await self._ask(Study(octets, domain, model))
        return lecture

    def _compare(self, champion: ScoreCard, challenger: ScoreCard) -> None:
        """What would have been, counted and nothing else."""
        is_junk, would_be = champion.score >= champion.threshold, challenger.score >= challenger.threshold
        outcome = ("both_junk" if is_junk else "challenger_junk") if would_be else "champion_junk" if is_junk else ""
        self._metrics.counter(SHADOW_VERDICTS, outcome or "both_ham").value += 1

    async def _ask(self, job: Job | Study) -> Any:
        if self._line.qsize() >= LINE * self._processes:
            raise Unavailable("too many messages wait to be scored")
        waiting = _Waiting(job, asyncio.get_running_loop().create_future())
        self._line.put_nowait(waiting)
        return await waiting.answer

    async def _work(self) -> None:
        """One process after another, as long as there is work."""
        while True:
            process = await self._start()
            if process is None:
                if self._give_up():
                    return
                await self._clock.sleep(PAUSE)
                continue
            try:
                ended = await self._serve(process)
            finally:
                await _end(process)
            if ended:
                return
            self._metrics.counter(SCORER_RESTARTS).value += 1

    def _give_up(self) -> bool:
        """Nobody can score now: whoever waits goes on without. True when there will be no more work."""
        while not self._line.empty():
            waiting = self._line.get_nowait()
            if waiting is None:
                return True
            _fail(waiting, Unavailable("no scorer could be started"))
        return False

    async def _start(self) -> asyncio.subprocess.Process | None:
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "posthouse.filter.scorer_process",
                str(self._model),
                str(self._memory),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=1 << 20,
            )
        except OSError as error:  # no memory or no descriptor left: mail goes on without a score until there is
            log.error("a scorer did not start", model=str(self._model), exc_info=error)
            return None
        try:
            async with asyncio.timeout(START_SECONDS):
                if await _answer(process) == READY:
                    return process
        except (TimeoutError, asyncio.IncompleteReadError) as error:
            log.error("a scorer did not start", model=str(self._model), exc_info=error)
        except BaseException:
            await _end(process)
            raise
        await _end(process)
        return None

    async def _serve(self, process: asyncio.subprocess.Process) -> bool:
        """True when there will be no more work, False when the process is of no more use."""
        self._ready += 1
        try:
            while True:
                waiting = await self._line.get()
                if waiting is None:
                    return True
                if waiting.answer.cancelled():
                    continue
                self.in_hand += 1
                try:
                    async with asyncio.timeout(self._seconds):
                        _write(process, waiting.job)
                        found = await _answer(process)
                except TimeoutError:
                    self._metrics.counter(SCORES, "late").value += 1
                    _fail(waiting, NotScored(f"not scored within {self._seconds:g} s"))
                    return False
                except (asyncio.IncompleteReadError, ConnectionError):
                    self._metrics.counter(SCORES, "died").value += 1
                    _fail(waiting, NotScored("the scorer died of it"))
                    return False
                finally:
                    self.in_hand -= 1
                self._metrics.counter(SCORES, "scored").value += 1
                if not waiting.answer.done():
                    waiting.answer.set_result(found)
        finally:
            self._ready -= 1


def _write(process: asyncio.subprocess.Process, job: Job | Study) -> None:
    assert process.stdin is not None
    process.stdin.write(frame(job))


async def _answer(process: asyncio.subprocess.Process) -> object:
    assert process.stdout is not None
    (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
    return pickle.loads(await process.stdout.readexactly(length))


def _fail(waiting: _Waiting, error: Unavailable) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()
