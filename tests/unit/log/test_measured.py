"""Publishing is counted and timed."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from posthouse.log.measured import MeasuredLog
from posthouse.model.errors import Unavailable
from posthouse.ports.log import Log, Record
from posthouse.telemetry.metric_names import LOG_PUBLISH_SECONDS, LOG_PUBLISHED
from posthouse.telemetry.metrics import Metrics


class Inner:
    """Takes everything, or nothing; any other method is its own name."""

    def __init__(self) -> None:
        self.published: list[Record] = []
        self.down = False

    async def publish(self, records: Sequence[Record]) -> None:
        if self.down:
            raise Unavailable("no broker")
        self.published.extend(records)

    def __getattr__(self, name: str) -> str:
        return name


async def test_what_was_acknowledged_is_counted_by_topic() -> None:
    inner, metrics = Inner(), Metrics()
    log = MeasuredLog(cast(Log, inner), metrics)
    records = [Record("a", b"1", b"x"), Record("a", b"2", b"x"), Record("b", b"1", b"x")]
    await log.publish(records)
    assert inner.published == records
    inner.down = True
    with pytest.raises(Unavailable):
        await log.publish(records)
    assert [metrics.counter(LOG_PUBLISHED, topic).value for topic in "ab"] == [2, 1]
    assert sum(metrics.histogram(LOG_PUBLISH_SECONDS, "a").counts) == 2


def test_everything_else_is_the_inner_log_itself() -> None:
    log = MeasuredLog(cast(Log, Inner()), Metrics())
    methods = {name for name in vars(Log) if not name.startswith("_")} - {"publish"}
    assert {name: cast(Any, getattr(log, name)) for name in methods} == {name: name for name in methods}
