"""A log whose publishing is counted and timed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from posthouse.ports.log import Log, Record
from posthouse.telemetry.metric_names import LOG_PUBLISH_SECONDS, LOG_PUBLISHED
from posthouse.telemetry.metrics import Counter, Histogram, Metrics


class MeasuredLog:
    """ports.log.Log. Everything but `publish` is the inner log's own method, at no cost."""

    def __init__(self, log: Log, metrics: Metrics) -> None:
        self._log: Final = log
        self._metrics: Final = metrics
        self._topics: dict[str, tuple[Counter, Histogram]] = {}
        self.consume = log.consume
        self.backlog = log.backlog
        self.scan = log.scan
        self.committed = log.committed
        self.latest = log.latest

    async def publish(self, records: Sequence[Record]) -> None:
        """As the port says."""
        began = time.perf_counter()
        await self._log.publish(records)
        seconds = time.perf_counter() - began
        for record in records:
            published, histogram = self._topics.get(record.topic) or self._topic(record.topic)
            published.value += 1
            histogram.observe(seconds)

    def _topic(self, topic: str) -> tuple[Counter, Histogram]:
        made = self._metrics.counter(LOG_PUBLISHED, topic), self._metrics.histogram(LOG_PUBLISH_SECONDS, topic)
        self._topics[topic] = made
        return made
