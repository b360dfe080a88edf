"""The steps that judge, as the settings want them, and the processes that score for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from posthouse.filter.drift import Drift
from posthouse.filter.judge import JudgeStep
from posthouse.filter.models import StoredModels
from posthouse.filter.own_rules import RulesStep
from posthouse.filter.score import ScoreStep
from posthouse.filter.scorers import LINE, ScorerPool
from posthouse.filter.settings import FilterSettings
from posthouse.filter.steps import Step
from posthouse.filter.taught import Taught
from posthouse.ports.blob_store import BlobStore
from posthouse.ports.clock import Clock
from posthouse.ports.directory import Directory
from posthouse.ports.learning_store import LearningStore
from posthouse.ports.model_store import ModelStore
from posthouse.runtime.component import Component
from posthouse.spam.shipped import COLD_START
from posthouse.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class JudgementSteps:
    steps: tuple[Step, ...]
    components: tuple[Component, ...]
    """To be listed before the filter's stage and the learning one, which need them to the end."""
    scorers: ScorerPool | None
    """None = scoring is off."""
    taught: Taught


def judgement_steps(
    settings: FilterSettings,
    blobs: BlobStore,
    directory: Directory,
    learning: LearningStore,
    clock: Clock,
    metrics: Metrics,
    *,
    authserv_id: str,
    models: ModelStore,
) -> JudgementSteps:
    rules = RulesStep(directory, blobs)
    judge = JudgeStep(directory, metrics, authserv_id=authserv_id)
    taught = Taught(learning, clock, metrics)
    if not settings.score:
        return JudgementSteps((rules, judge), (), None, taught)
    # A file that is set decides: whoever names one wants no other.
    drift, stored = Drift(clock.monotonic), None
    if settings.model is None:
        stored = StoredModels(models, clock, metrics, every=settings.models_every, drift=drift)
    pool = ScorerPool(
        _model(settings),
        clock,
        metrics,
        processes=settings.scorers,
        seconds=settings.score_timeout,
        memory=settings.score_memory,
        models=stored,
        shadow=settings.shadow,
        drift=drift,
    )
    # Waiting in line and one message that is late before ours: not ours to be blamed for.
    score = ScoreStep(pool, blobs, taught, deadline=4 * settings.score_timeout, at_once=LINE // 2 * settings.scorers)
    components = (pool,) if stored is None else (stored, pool)
    return JudgementSteps((rules, score, judge), components, pool, taught)


def _model(settings: FilterSettings) -> Path:
    return settings.model if settings.model is not None else COLD_START
