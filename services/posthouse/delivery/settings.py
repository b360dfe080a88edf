"""Settings of delivery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from posthouse.runtime.settings import Duration, Section, Size, setting


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """The stage that commits mail to the accounts."""

    concurrency: int = setting(
        256,
        "Deliveries under way at once.",
        why="Commits of many accounts share one fsync or are on their way to many nodes; more only makes each wait.",
        unit="deliveries",
        least=1,
        most=10_000,
    )
    per_account: int = setting(
        64,
        "Deliveries to one account under way at once; they start in order.",
        why="The size of a group commit: a burst into one account shares its commits.",
        unit="deliveries",
        least=1,
        most=1_000,
    )
    window: int = setting(
        5_000,
        "Records taken and not yet committed; beyond it nothing is taken.",
        why="A crash repeats at most these; as usual mail they are 20 to 30 MiB of memory.",
        unit="records",
        least=1,
        most=100_000,
    )
    commit: Duration = setting(
        Duration(1),
        "Time between two commits of offsets.",
        why="A commit saves repeated work after a crash, which derived ids absorb anyway; once a second is plenty.",
        least=0.05,
        most=60,
    )
    prepared_cache: Size = setting(
        Size(8 * 1024 * 1024),
        "Memory for scans of messages that further recipients may still ask for.",
        why="A scan is about 1 KiB: 8,000 messages, far more than are on their way at once.",
    )
    quarantine_keep: Duration = setting(
        Duration(30 * 86_400),
        "Time that mail which a verdict holds back is kept; nobody asked for it meanwhile, so it is discarded.",
        why="A month covers holidays; what could not be delivered for another reason is kept until somebody decides.",
        least=60,
        most=365 * 86_400,
    )


DELIVERY: Final = Section("delivery", DeliverySettings)
