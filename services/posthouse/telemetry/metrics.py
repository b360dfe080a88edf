"""Metrics at the price of an integer: counters are attributes, histograms are lists, Prometheus reads them at scrape.

    metrics = Metrics()
    accepted = metrics.counter(SMTP_TRANSACTIONS, "mx", "accepted")     # once, where the object is made
    accepted.value += 1                                                 # hot path
    latency = metrics.histogram(ACCEPT_SECONDS, "mx")
    latency.observe(seconds)
    metrics.gauge_from(CONSUMER_IN_FLIGHT, lambda: len(queue), "filter")  # asked only at scrape

Invariants: names and labels come from `metric_names.py` only; a metric keeps at most `MAX_CHILDREN` label sets, later
ones share the child `other`; there is no global registry, each process (or test) has its own `Metrics`.
Not thread-safe by design: counters are raised on the event loop; a scrape may read a sum and a count one observation
apart. Not done here: HTTP (`runtime/health.py`).
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from posthouse.telemetry.metric_names import (
    LABELS_OVERFLOWED,
    CounterDef,
    GaugeDef,
    HistogramDef,
    MetricDef,
)

MAX_CHILDREN: Final = 1000
"""Label sets of one metric. More would grow memory and Prometheus without bound."""
OVERFLOW: Final = "other"
CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4


class Counter:
    """Add to `value`; never lower it."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


class Gauge:
    """Set `value`."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0


class Histogram:
    """Counts per bucket. `observe` costs about 0.2 µs."""

    __slots__ = ("_bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """Not cumulative; the last is what is above every bound."""
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Record one observation, in the unit of the metric."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    def quantile(self, q: float) -> float:
        """The upper bound of the bucket in which quantile `q` (0 to 1) lies; infinity above the last, 0 when empty."""
        total = sum(self.counts)
        if not total:
            return 0.0
        rank, seen = q * total, 0
        for bound, count in zip(self._bounds, self.counts, strict=False):
            seen += count
            if seen >= rank:
                return bound
        return float("inf")


Child = TypeVar("Child")


class _Family(Generic[Child]):
    """The children of one metric, by label values."""

    __slots__ = ("children", "definition", "make")

    def __init__(self, definition: MetricDef, make: Callable[[], Child]) -> None:
        self.definition = definition
        self.make = make
        self.children: dict[tuple[str, ...], Child] = {}


GaugeSource = Callable[[], float]


class Metrics(Collector):
    """All metrics of one process, and the Prometheus collector over them."""

    def __init__(self, *, process_metrics: bool = False) -> None:
        """`process_metrics`: also CPU, memory, descriptors and garbage collection of this process."""
        self._counters: dict[str, _Family[Counter]] = {}
        self._gauges: dict[str, _Family[Gauge]] = {}
        self._histograms: dict[str, _Family[Histogram]] = {}
        self._sources: dict[str, _Family[GaugeSource]] = {}
        self._before_scrape: list[Callable[[], None]] = []
        self._overflowed = Counter()
        self._counters[LABELS_OVERFLOWED.name] = _Family(LABELS_OVERFLOWED, Counter)
        self._counters[LABELS_OVERFLOWED.name].children[()] = self._overflowed
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        if process_metrics:
            ProcessCollector(registry=self._registry)
            PlatformCollector(registry=self._registry)
            GCCollector(registry=self._registry)

    def counter(self, definition: CounterDef, *labels: str) -> Counter:
        """The counter for these label values, in the order declared. ValueError where they are not allowed."""
        family = self._counters.get(definition.name)
        if family is None:
            family = self._counters[definition.name] = _Family(definition, Counter)
        return self._child(family, labels)

    def gauge(self, definition: GaugeDef, *labels: str) -> Gauge:
        """The gauge for these label values."""
        family = self._gauges.get(definition.name)
        if family is None:
            family = self._gauges[definition.name] = _Family(definition, Gauge)
        return self._child(family, labels)

    def gauge_from(self, definition: GaugeDef, source: GaugeSource, *labels: str) -> None:
        """A gauge whose value is asked at scrape, on the event loop; replaces an earlier source of the same labels."""
        family = self._sources.get(definition.name)
        if family is None:
            family = self._sources[definition.name] = _Family(definition, lambda: source)
        _check(definition, labels)
        family.children[labels] = source

    def histogram(self, definition: HistogramDef, *labels: str) -> Histogram:
        """The histogram for these label values."""
        family = self._histograms.get(definition.name)
        if family is None:
            bounds = definition.bounds
            family = self._histograms[definition.name] = _Family(definition, lambda: Histogram(bounds))
        return self._child(family, labels)

    def before_scrape(self, hook: Callable[[], None]) -> None:
        """Call `hook` at each scrape, to copy counts that are kept elsewhere into their counters."""
        self._before_scrape.append(hook)

    def render(self) -> bytes:
        """The text exposition format 0.0.4 (`CONTENT_TYPE`)."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """Called by prometheus-client."""
        for hook in self._before_scrape:
            hook()
        for counters in self._counters.values():
            definition = counters.definition
            counter_family = CounterMetricFamily(definition.name, definition.help, labels=_names(definition))
            for values, counter in list(counters.children.items()):
                counter_family.add_metric(values, counter.value)
            yield counter_family
        gauges: dict[str, GaugeMetricFamily] = {}
        for set_ in self._gauges.values():
            for values, gauge in list(set_.children.items()):
                _gauge_family(gauges, set_.definition).add_metric(values, gauge.value)
        for asked in self._sources.values():
            for values, source in list(asked.children.items()):
                _gauge_family(gauges, asked.definition).add_metric(values, source())
        yield from gauges.values()
        for histograms in self._histograms.values():
            yield _histogram_family(histograms)

    def _child(self, family: _Family[Child], labels: tuple[str, ...]) -> Child:
        child = family.children.get(labels)
        if child is not None:
            return child
        _check(family.definition, labels)
        if len(family.children) >= MAX_CHILDREN:
            self._overflowed.value += 1
            labels = tuple(
                OVERFLOW if label.values is None else value
                for label, value in zip(family.definition.labels, labels, strict=True)
            )
            child = family.children.get(labels)
            if child is not None:
                return child
        child = family.children[labels] = family.make()
        return child


def _names(definition: MetricDef) -> list[str]:
    return [label.name for label in definition.labels]


def _check(definition: MetricDef, labels: tuple[str, ...]) -> None:
    if len(labels) != len(definition.labels):
        raise ValueError(f"{definition.name} has the labels {_names(definition)}, not {len(labels)} of them")
    for label, value in zip(definition.labels, labels, strict=True):
        if label.values is not None and value not in label.values:
            raise ValueError(f"{definition.name}: {label.name} is one of {', '.join(label.values)}, not {value!r}")


def _gauge_family(families: dict[str, GaugeMetricFamily], definition: MetricDef) -> GaugeMetricFamily:
    # Set and asked gauges of one name are one family: a second TYPE line would be an error to Prometheus.
    family = families.get(definition.name)
    if family is None:
        family = families[definition.name] = GaugeMetricFamily(
            definition.name, definition.help, labels=_names(definition)
        )
    return family


def _histogram_family(histograms: _Family[Histogram]) -> HistogramMetricFamily:
    definition = histograms.definition
    assert isinstance(definition, HistogramDef)
    family = HistogramMetricFamily(definition.name, definition.help, labels=_names(definition))
    bounds = [*(f"{bound:g}" for bound in definition.bounds), "+Inf"]
    for values, histogram in list(histograms.children.items()):
        buckets: list[tuple[str, float]] = []
        seen = 0
        for bound, count in zip(bounds, histogram.counts, strict=True):
            seen += count
            buckets.append((bound, seen))
        family.add_metric(values, buckets, histogram.sum)
    return family
