"""The steps about evidence from outside, as the settings want them, around the step that judges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from posthouse.filter.external.step import external_steps
from posthouse.filter.judge import JudgeStep
from posthouse.filter.outside import OutsideStep, ReputationStep
from posthouse.filter.reputation import Reputation
from posthouse.filter.settings import FilterSettings
from posthouse.filter.steps import Step
from posthouse.ports.blob_store import BlobStore
from posthouse.ports.clock import Clock
from posthouse.ports.reputation_store import ReputationStore
from posthouse.runtime.component import Component
from posthouse.runtime.dns_lists import DnsLists
from posthouse.runtime.evidence_sections import DnsListSettings, ReputationSettings
from posthouse.runtime.settings import Settings
from posthouse.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class OutsideSteps:
    before: tuple[Step, ...] = ()
    after: tuple[Step, ...] = ()
    components: tuple[Component, ...] = ()
    """To be listed before the filter's stage, which needs them to the end. The lists are not among them."""

    def around(self, steps: Sequence[Step]) -> tuple[Step, ...]:
        """With these before and behind the judge."""
        found: list[Step] = []
        for step in steps:
            found += [*self.before, step, *self.after] if step.name == JudgeStep.name else [step]
        return tuple(found)


def outside_steps(
    settings: Settings,
    store: ReputationStore,
    blobs: BlobStore,
    clock: Clock,
    metrics: Metrics,
    *,
    lists: DnsLists | None,
    writer: str,
) -> OutsideSteps:
    """Nothing where no list and no other filter is configured, and reputation is off or not fed with scores."""
    remembering = settings.section(ReputationSettings)
    reputation = None
    if remembering.enabled and settings.section(FilterSettings).score:
        reputation = Reputation(store, clock, metrics, remembering, writer=writer)
    external = external_steps(settings, blobs, metrics)
    if lists is None and reputation is None:
        return OutsideSteps(external)
    outside = OutsideStep(blobs, lists, reputation, deadline=settings.section(DnsListSettings).deadline)
    if reputation is None:
        return OutsideSteps((outside, *external))
    return OutsideSteps((outside, *external), (ReputationStep(reputation),), (reputation,))
