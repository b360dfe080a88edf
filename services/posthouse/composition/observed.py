"""Puts counters and spans around the adapters of a process; who makes adapters knows nothing of telemetry."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from posthouse.composition.adapters import Adapters
from posthouse.log.measured import MeasuredLog
from posthouse.store.account.observed import ObservedMailStore
from posthouse.store.blob.measured import MeasuredBlobStore
from posthouse.telemetry.metric_names import CASSANDRA_STATEMENTS
from posthouse.telemetry.metrics import Metrics
from posthouse.telemetry.tracing import Tracer


def observed(adapters: Adapters, metrics: Metrics, tracer: Tracer, *, commits: bool) -> Adapters:
    """The same adapters, counted. `commits`: this process commits itself, and is no client of one that does."""
    return replace(
        adapters,
        log=MeasuredLog(adapters.log, metrics),
        blobs=MeasuredBlobStore(adapters.blobs, metrics),
        mail_store=ObservedMailStore(adapters.mail_store, tracer, metrics) if commits else adapters.mail_store,
    )


def count_statements(statements: Counter[str], metrics: Metrics) -> None:
    """Shows the driver's own counts (by statement name) at each scrape."""

    def copy() -> None:
        for name, count in list(statements.items()):
            metrics.counter(CASSANDRA_STATEMENTS, name).value = count

    metrics.before_scrape(copy)
