"""The system's clock and ids."""

import asyncio
import time
import uuid

import pytest

from posthouse.model.ids import email_month, queue_id_octets, queue_id_time_us
from posthouse.ports.clock import Clock
from posthouse.ports.ids import Ids
from posthouse.runtime.system import SystemClock, SystemIds


def test_they_keep_the_ports() -> None:
    clock: Clock = SystemClock()
    ids: Ids = SystemIds()
    assert abs(clock.now_us() - time.time() * 1e6) < 5e6
    assert clock.monotonic() <= clock.monotonic()
    assert len(ids.token(7)) == 7


async def test_sleep_lets_others_run() -> None:
    order = []

    async def other() -> None:
        order.append("other")

    async with asyncio.TaskGroup() as group:
        group.create_task(other())
        await SystemClock().sleep(0)
        order.append("sleeper")
    assert order == ["other", "sleeper"]


def test_queue_ids_are_uuid_7_and_carry_the_time() -> None:
    before = time.time_ns() // 1000
    queue_id = SystemIds().queue_id()
    assert before - 1000 <= queue_id_time_us(queue_id) <= time.time_ns() // 1000
    found = uuid.UUID(bytes=queue_id_octets(queue_id))
    assert (found.version, found.variant) == (7, uuid.RFC_4122)


def test_nothing_is_minted_twice() -> None:
    ids = SystemIds()
    for mint in (ids.queue_id, ids.email_id, ids.mailbox_id, ids.op_id):
        assert len({mint() for _ in range(20_000)}) == 20_000


def test_email_ids_are_uuid_1_of_now_and_ascend() -> None:
    ids = SystemIds()
    minted = [ids.email_id() for _ in range(5000)]
    times = [email_id.time for email_id in minted]
    assert times == sorted(set(times))
    assert minted[0].version == 1
    assert minted[0].variant == uuid.RFC_4122
    seconds = (minted[0].time - 0x01B21DD213814000) / 1e7
    assert abs(seconds - time.time()) < 5
    year_month = time.gmtime(seconds)
    assert email_month(minted[0]) == (year_month.tm_year - 1970) * 12 + year_month.tm_mon - 1


def test_email_ids_ascend_though_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = SystemIds()
    now = 1_700_000_000_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: now)
    first = ids.email_id()
    now -= 3_600_000_000_000
    assert ids.email_id().time > first.time


def test_two_processes_differ() -> None:
    one, two = SystemIds().email_id(), SystemIds().email_id()
    assert one.node != two.node
    assert one.node & 1 << 40, "a random node is marked as such"
