"""Counters around the adapters of a process."""

from collections import Counter
from typing import Any
from unittest.mock import MagicMock

from posthouse.composition.adapters import Adapters
from posthouse.composition.observed import count_statements, observed
from posthouse.log.measured import MeasuredLog
from posthouse.store.account.observed import ObservedMailStore
from posthouse.store.blob.measured import MeasuredBlobStore
from posthouse.telemetry.metric_names import CASSANDRA_STATEMENTS
from posthouse.telemetry.metrics import Metrics
from posthouse.telemetry.sinks import NullSink
from posthouse.telemetry.tracing import Tracer


def test_who_commits_counts_commits_and_a_client_does_not() -> None:
    parts: dict[str, Any] = {name: MagicMock() for name in Adapters.__slots__}
    adapters = Adapters(**parts)
    own = observed(adapters, Metrics(), Tracer(NullSink()), commits=True)
    assert isinstance(own.log, MeasuredLog)
    assert isinstance(own.blobs, MeasuredBlobStore)
    assert isinstance(own.mail_store, ObservedMailStore)
    assert own.directory is adapters.directory
    client = observed(adapters, Metrics(), Tracer(NullSink()), commits=False)
    assert client.mail_store is adapters.mail_store


def test_statements_are_shown_by_name() -> None:
    metrics, statements = Metrics(), Counter({"commit": 2})
    count_statements(statements, metrics)
    statements["commit"] += 1
    metrics.render()
    assert metrics.counter(CASSANDRA_STATEMENTS, "commit").value == 3
