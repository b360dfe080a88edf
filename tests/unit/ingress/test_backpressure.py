import pytest

from harness.fake_ports import RecordingLog
from harness.manual_clock import ManualClock
from posthouse.ingress.backpressure import Backpressure
from posthouse.model.errors import Lagging, Unavailable
from posthouse.ports.log import Backlog

FILTER, DELIVERY = ("mail.accepted.v1", "filter"), ("mail.deliver.v1", "delivery")


def make(log: RecordingLog) -> Backpressure:
    return Backpressure(log, ManualClock(), [FILTER, DELIVERY], max_age=60, max_records=100)


async def test_open_while_every_stage_keeps_up() -> None:
    log = RecordingLog()
    log.backlogs = {FILTER: Backlog(100, 60.0), DELIVERY: Backlog(3, 0.1)}
    gate = make(log)
    await gate.look()
    assert not gate.closed
    gate.check()


@pytest.mark.parametrize("backlog", [Backlog(1, 60.1), Backlog(101, 0.0)])
@pytest.mark.parametrize("watched", [FILTER, DELIVERY])
async def test_closed_when_any_stage_is_past_its_bound(watched: tuple[str, str], backlog: Backlog) -> None:
    log = RecordingLog()
    log.backlogs[watched] = backlog
    gate = make(log)
    await gate.look()
    with pytest.raises(Lagging) as e:
        gate.check()
    assert (e.value.code, e.value.enhanced) == (451, "4.3.2")


async def test_opens_again_only_well_below_the_bound() -> None:
    log = RecordingLog()
    gate = make(log)
    for records, closed in ((101, True), (90, True), (81, True), (80, False), (100, False)):
        log.backlogs[FILTER] = Backlog(records, 0.0)
        await gate.look()
        assert gate.closed is closed, records


async def test_an_unknown_backlog_changes_nothing() -> None:
    log = RecordingLog()
    gate = make(log)
    log.fail = Unavailable("no broker")
    await gate.look()
    assert not gate.closed
    log.fail = None
    log.backlogs[FILTER] = Backlog(101, 0.0)
    await gate.look()
    log.fail = Unavailable("no broker")
    await gate.look()
    assert gate.closed


async def test_looks_once_a_second_until_the_drain() -> None:
    import asyncio

    log, clock = RecordingLog(), ManualClock()
    gate = Backpressure(log, clock, [FILTER], max_records=100)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(gate.run())
        await asyncio.sleep(0)
        log.backlogs[FILTER] = Backlog(101, 0.0)
        await clock.advance(0.9)
        assert not gate.closed
        await clock.advance(0.2)
        assert gate.closed
        await gate.drain()
        await clock.advance(1.1)
        assert running.done()
