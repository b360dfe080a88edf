"""The watch: one look after another, each from where the last one had something open."""

import asyncio
from typing import cast

from harness.manual_clock import ManualClock
from posthouse.ledger.audit import LATE_US, Audit, AuditReport, Counts, Unaccounted
from posthouse.ledger.watch import FIRST_US, LONGEST_US, LedgerWatch
from posthouse.model.errors import Unavailable
from posthouse.model.ids import QueueId
from posthouse.telemetry.metrics import Metrics


class Audits:
    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []
        self.open_us = 0
        self.lost: tuple[Unaccounted, ...] = ()
        self.fail = False

    async def run(self, since_us: int, until_us: int) -> AuditReport:
        self.asked.append((since_us, until_us))
        if self.fail:
            raise Unavailable("no evidence")
        return AuditReport(since_us, until_us, 1, Counts(), self.lost, 0, self.open_us)


def value(metrics: Metrics) -> float:
    [line] = [x for x in metrics.render().decode().splitlines() if x.startswith("posthouse_ledger_unaccounted ")]
    return float(line.split()[1])


async def test_looks_from_where_something_was_open() -> None:
    clock, audits, metrics = ManualClock(), Audits(), Metrics()
    watch = LedgerWatch(cast(Audit, audits), clock, metrics, every=300)
    start = clock.now_us()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watch.run())
        await clock.advance(0)
        assert audits.asked == []
        audits.open_us = start - LATE_US
        await clock.advance(300)
        now = start + 300_000_000
        assert audits.asked == [(now - FIRST_US, now - LATE_US)]
        old = Unaccounted(QueueId("a"), None, start - 2 * LATE_US)
        audits.lost = (old, Unaccounted(QueueId("b"), None, now))
        await clock.advance(300)
        assert audits.asked[1] == (start - LATE_US, start + 600_000_000 - LATE_US)
        assert value(metrics) == 1
        audits.fail = True
        await clock.advance(300)
        assert value(metrics) == 1
        audits.fail = False
        audits.open_us = start - 2 * LONGEST_US
        await clock.advance(600)
        assert audits.asked[-1][0] == clock.now_us() - LONGEST_US
        await watch.drain()
