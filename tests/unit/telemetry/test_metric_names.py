"""The closed list of metrics is consistent, used and documented."""

import re
from pathlib import Path

import pytest

import posthouse
from posthouse.telemetry import metric_names
from posthouse.telemetry.metric_names import METRICS, CounterDef, GaugeDef, HistogramDef, MetricDef

SOURCE = Path(posthouse.__file__).parent


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_follow_prometheus(metric: MetricDef) -> None:
    assert re.fullmatch(r"posthouse_[a-z][a-z0-9_]*", metric.name)
    assert metric.help.endswith(".")
    assert isinstance(metric, CounterDef) == metric.name.endswith("_total")
    if isinstance(metric, HistogramDef):
        assert list(metric.bounds) == sorted(set(metric.bounds))
        assert metric.bounds
    if metric.unit in {"seconds", "bytes"} and isinstance(metric, GaugeDef | HistogramDef):
        assert metric.name.endswith("_" + metric.unit)


def test_each_name_is_declared_once() -> None:
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names))


def test_no_label_can_name_a_person_or_a_message() -> None:
    labels = {label.name for metric in METRICS for label in metric.labels}
    assert not labels & {"account", "address", "queue_id", "sender", "rcpt", "domain", "ip"}


def test_a_metric_is_named_nowhere_but_in_the_list() -> None:
    """A literal `posthouse_…_total` elsewhere would be a name outside the closed list."""
    declared = {metric.name for metric in METRICS}
    named = re.compile(r"[\"'](posthouse_[a-z0-9_]+_(?:total|seconds|bytes))[\"']")
    undeclared = {
        (path.name, name)
        for path in SOURCE.rglob("*.py")
        for name in named.findall(path.read_text())
        if name not in declared
    }
    assert undeclared == set()
    constants = [name for name, value in vars(metric_names).items() if isinstance(value, MetricDef)]
    assert len(constants) == len(METRICS)


def test_no_metric_is_declared_that_nothing_raises() -> None:
    constants = [name for name, value in vars(metric_names).items() if isinstance(value, MetricDef)]
    text = "\n".join(path.read_text() for path in SOURCE.rglob("*.py") if path.name != "metric_names.py")
    used = set(re.findall(r"\b[A-Z][A-Z_]+\b", text))
    assert [name for name in constants if name not in used] == []
