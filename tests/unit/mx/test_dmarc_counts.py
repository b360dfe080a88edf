import asyncio
from collections.abc import Mapping

from harness.fake_ports import SerialIds
from harness.manual_clock import ManualClock
from posthouse.mailauth.dmarc.counters import PublishedPolicy, Row
from posthouse.mailauth.dmarc.disposition import Disposition
from posthouse.mailauth.dmarc.evaluate import Evaluation
from posthouse.mailauth.dmarc.record import parse
from posthouse.mailauth.dmarc.stored import document_of, row_from
from posthouse.mailauth.evaluate import Findings
from posthouse.model.authentication import AuthenticationResults, AuthResult, DmarcPolicy, DmarcResult
from posthouse.model.errors import Unavailable
from posthouse.mx.dmarc_counts import DAY_US, MAX_WAITING, DmarcCounts, make_dmarc_counts
from posthouse.ports.reputation_store import DmarcRow
from posthouse.runtime.evidence_sections import DmarcReportSettings

POLICY = PublishedPolicy("d.example", DmarcPolicy.NONE, None, None, False, False, False, "0", "treewalk", ("mailto:r",))
ROW = Row(POLICY, "192.0.2.1", "none", False, False, (), "d.example", "b.example", (), None)
STORED = DmarcRow("d.example", document_of(ROW))


class Store:
    """As ports.reputation_store.ReputationStore, what counting needs of it."""

    def __init__(self) -> None:
        self.flushes: dict[tuple[int, str], dict[DmarcRow, int]] = {}
        self.lost_answers = 0
        self.down = False

    async def add_dmarc(self, day: int, flush: str, rows: Mapping[DmarcRow, int]) -> None:
        if self.down:
            raise Unavailable("down")
        self.flushes[day, flush] = dict(rows)
        if self.lost_answers:
            self.lost_answers -= 1
            raise Unavailable("written, and nobody heard of it")

    def counts(self, day: int) -> int:
        return sum(sum(rows.values()) for (each, _), rows in self.flushes.items() if each == day)


def counting(store: Store, clock: ManualClock) -> DmarcCounts:
    return DmarcCounts(store, clock, SerialIds(), every=60)  # type: ignore[arg-type]


async def test_counts_are_written_once_in_a_while_and_at_the_end() -> None:
    store, clock = Store(), ManualClock()
    counts = counting(store, clock)
    day = clock.now_us() // DAY_US
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(counts.run())
        counts.add(ROW)
        counts.add(ROW)
        counts.add(None)
        await clock.advance(1)
        assert store.flushes == {}
        await clock.advance(61)
        assert list(store.flushes.values()) == [{STORED: 2}]
        counts.add(ROW)
        await counts.drain()
    assert store.counts(day) == 3


async def test_what_comes_before_midnight_counts_for_that_day() -> None:
    clock = ManualClock(20_000 * DAY_US - 1_000_000)
    store = Store()
    counts = counting(store, clock)
    counts.add(ROW)
    await clock.advance(2)
    counts.add(ROW)
    counts.add(ROW)
    await counts.flush()
    assert (store.counts(19_999), store.counts(20_000)) == (1, 2)


async def test_a_flush_whose_outcome_is_unknown_counts_once() -> None:
    store, clock = Store(), ManualClock()
    store.lost_answers = 1
    counts = counting(store, clock)
    counts.add(ROW)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(counts.run())
        await clock.advance(61)
        counts.add(ROW)
        await clock.advance(61)
        await counts.drain()
    assert store.counts(clock.now_us() // DAY_US) == 2


async def test_a_store_that_is_away_costs_no_more_than_a_few_flushes() -> None:
    store, clock = Store(), ManualClock()
    store.down = True
    counts = counting(store, clock)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(counts.run())
        for _ in range(MAX_WAITING + 3):
            counts.add(ROW)
            await clock.advance(61)
        store.down = False
        await counts.drain()
    assert sum(sum(rows.values()) for rows in store.flushes.values()) == MAX_WAITING


async def test_a_reject_that_was_not_carried_out_is_reported_as_quarantine() -> None:
    record = parse("v=DMARC1; p=reject; rua=mailto:r@d.example")
    result = DmarcResult(AuthResult.FAIL, "d.example", "d.example", policy=DmarcPolicy.REJECT)
    found = Findings(AuthenticationResults(dmarc=result), Evaluation(result, record))
    store, clock = Store(), ManualClock()
    counts = counting(store, clock)
    for refused in (True, False):
        counts.seen(found, Disposition(DmarcPolicy.REJECT), "192.0.2.1", "x@B.example", refused=refused)
    await counts.flush()
    [rows] = store.flushes.values()
    seen = [row_from(row.document) for row in rows]
    assert sorted(row.disposition for row in seen) == ["quarantine", "reject"]
    assert {row.envelope_from for row in seen} == {"b.example"}


def test_it_may_be_switched_off() -> None:
    store, clock = Store(), ManualClock()
    off = make_dmarc_counts(DmarcReportSettings(count=False), store, clock, SerialIds())  # type: ignore[arg-type]
    assert off is None
    assert make_dmarc_counts(DmarcReportSettings(), store, clock, SerialIds()) is not None  # type: ignore[arg-type]
