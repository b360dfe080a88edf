"""Identifiers keep what their docstrings promise."""

import time

from posthouse.model.ids import email_month, queue_id_octets, queue_id_time_us
from posthouse.runtime.system import SystemClock, SystemIds


def test_queue_ids_sort_by_time_and_carry_it() -> None:
    ids, before = SystemIds(), time.time_ns() // 1000
    made = [ids.queue_id() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert [q[:8] for q in made] == sorted(q[:8] for q in made)
    assert 0 <= queue_id_time_us(made[0]) - before + 1000 < 1_000_000
    octets = queue_id_octets(made[0])
    assert octets[6] >> 4 == 7
    assert octets[8] >> 6 == 0b10


def test_email_ids_ascend_and_tell_their_month() -> None:
    ids = SystemIds()
    made = [ids.email_id() for _ in range(1000)]
    assert [e.time for e in made] == sorted({e.time for e in made})
    assert made[0].version == 1
    now = time.gmtime()
    assert email_month(made[0]) == (now.tm_year - 1970) * 12 + now.tm_mon - 1


def test_two_processes_never_share_email_ids() -> None:
    first, second = SystemIds(), SystemIds()
    assert not {first.email_id() for _ in range(500)} & {second.email_id() for _ in range(500)}


def test_the_clock_tells_microseconds() -> None:
    assert abs(SystemClock().now_us() / 1e6 - time.time()) < 5
