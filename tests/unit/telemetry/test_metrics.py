"""Counters, gauges, histograms and their exposition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from posthouse.telemetry import metrics as module
from posthouse.telemetry.metric_names import (
    ACCEPT_SECONDS,
    BUILD_INFO,
    CONNECTIONS,
    CONSUMER_IN_FLIGHT,
    FAST,
    LABELS_OVERFLOWED,
    LOG_PUBLISHED,
    LOOP_LAG_SECONDS,
    SMTP_TRANSACTIONS,
)
from posthouse.telemetry.metrics import Histogram, Metrics


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }


def test_a_counter_is_an_integer_that_prometheus_reads() -> None:
    metrics = Metrics()
    accepted = metrics.counter(SMTP_TRANSACTIONS, "mx", "accepted")
    accepted.value += 3
    assert metrics.counter(SMTP_TRANSACTIONS, "mx", "accepted") is accepted
    metrics.counter(SMTP_TRANSACTIONS, "mx", "deferred")
    seen = samples(metrics)
    name = "posthouse_smtp_transactions_total"
    assert seen[name, (("outcome", "accepted"), ("process", "mx"))] == 3
    assert seen[name, (("outcome", "deferred"), ("process", "mx"))] == 0


def test_gauges_are_set_or_asked_at_scrape() -> None:
    metrics = Metrics()
    queue = [1, 2]
    metrics.gauge_from(CONSUMER_IN_FLIGHT, lambda: len(queue), "filter")
    metrics.gauge(CONSUMER_IN_FLIGHT, "delivery").value = 7
    metrics.gauge(LOOP_LAG_SECONDS).value = 0.25
    queue.append(3)
    seen = samples(metrics)
    assert seen["posthouse_consumer_in_flight", (("stage", "filter"),)] == 3
    assert seen["posthouse_consumer_in_flight", (("stage", "delivery"),)] == 7
    assert seen["posthouse_loop_lag_seconds", ()] == 0.25
    assert metrics.render().count(b"# TYPE posthouse_consumer_in_flight ") == 1


def test_a_histogram_has_inclusive_cumulative_buckets() -> None:
    metrics = Metrics()
    histogram = metrics.histogram(ACCEPT_SECONDS, "mx")
    for value in (0.0001, 0.0002, 0.3, 99.0):
        histogram.observe(value)
    seen = samples(metrics)

    def bucket(bound: str) -> float:
        return seen["posthouse_accept_seconds_bucket", (("le", bound), ("process", "mx"))]

    assert [bucket("0.0001"), bucket("0.00025"), bucket("0.5"), bucket("10"), bucket("+Inf")] == [1, 2, 3, 3, 4]
    assert seen["posthouse_accept_seconds_count", (("process", "mx"),)] == 4
    assert seen["posthouse_accept_seconds_sum", (("process", "mx"),)] == pytest.approx(99.3003)


@given(st.lists(st.floats(0, 100), max_size=50))
def test_every_observation_is_in_one_bucket(values: list[float]) -> None:
    histogram = Histogram(FAST)
    for value in values:
        histogram.observe(value)
    assert sum(histogram.counts) == len(values)
    for bound, below in zip(FAST, range(len(FAST)), strict=True):
        assert sum(histogram.counts[: below + 1]) == sum(value <= bound for value in values)


def test_quantiles_are_bucket_bounds() -> None:
    histogram = Histogram((1.0, 2.0, 4.0))
    assert histogram.quantile(0.5) == 0.0
    for value in (0.5, 1.5, 1.6, 3.0):
        histogram.observe(value)
    assert [histogram.quantile(q) for q in (0.25, 0.5, 0.75, 1.0)] == [1.0, 2.0, 2.0, 4.0]
    histogram.observe(9.0)
    assert histogram.quantile(1.0) == float("inf")


def test_labels_outside_the_closed_list_are_refused() -> None:
    metrics = Metrics()
    with pytest.raises(ValueError, match="outcome is one of accepted, deferred, rejected, aborted, not 'lost'"):
        metrics.counter(SMTP_TRANSACTIONS, "mx", "lost")
    with pytest.raises(ValueError, match="has the labels"):
        metrics.counter(SMTP_TRANSACTIONS, "mx")
    with pytest.raises(ValueError, match="stage is one of"):
        metrics.gauge_from(CONSUMER_IN_FLIGHT, lambda: 0.0, "imap")


def test_open_labels_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CHILDREN", 3)
    metrics = Metrics()
    for number in range(10):
        metrics.counter(LOG_PUBLISHED, f"topic-{number}").value += 1
    seen = samples(metrics)
    published = {labels: value for (name, labels), value in seen.items() if name == LOG_PUBLISHED.name}
    assert published[("topic", "other"),] == 7
    assert len(published) == 4
    assert seen[LABELS_OVERFLOWED.name, ()] == 7


def test_overflow_keeps_closed_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CHILDREN", 1)
    metrics = Metrics()
    metrics.counter(CONNECTIONS, "mx", "served")
    folded = metrics.counter(CONNECTIONS, "imap", "served")
    folded.value += 1
    assert samples(metrics)[CONNECTIONS.name, (("listener", "other"), ("outcome", "served"))] == 1


def test_hooks_run_before_a_scrape() -> None:
    metrics = Metrics()
    gauge = metrics.gauge(BUILD_INFO, "1.0")

    def copy() -> None:
        gauge.value = 1

    metrics.before_scrape(copy)
    assert samples(metrics)[BUILD_INFO.name, (("version", "1.0"),)] == 1


def test_process_metrics_are_there_when_asked_for() -> None:
    assert b"process_cpu_seconds_total" in Metrics(process_metrics=True).render()
    assert b"process_cpu_seconds_total" not in Metrics().render()


def test_label_values_are_escaped() -> None:
    metrics = Metrics()
    metrics.counter(LOG_PUBLISHED, 'a"b\\c\nd').value += 1
    assert samples(metrics)[LOG_PUBLISHED.name, (("topic", 'a"b\\c\nd'),)] == 1
