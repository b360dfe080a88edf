"""The Ids port's promises, on the system's ids and on the serial ones of the tests."""

import asyncio
import inspect
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from harness.fake_ports import SerialIds
from posthouse.model.ids import queue_id_from_octets, queue_id_octets, queue_id_time_us
from posthouse.ports.ids import Ids
from posthouse.runtime.system import SystemIds

KINDS = ("queue_id", "email_id", "mailbox_id", "op_id")
MINTED = 3000


@dataclass(frozen=True)
class Adapter:
    make: Callable[[], Ids]
    everywhere: bool = True
    """Unique across objects, processes and restarts, and its tokens are random."""


ADAPTERS = {"system": Adapter(SystemIds), "serial": Adapter(SerialIds, everywhere=False)}


@pytest.fixture(params=ADAPTERS)
def adapter(request: pytest.FixtureRequest) -> Adapter:
    return ADAPTERS[request.param]


@pytest.fixture
def ids(adapter: Adapter) -> Ids:
    return adapter.make()


def test_it_has_every_method_of_the_port(ids: Ids) -> None:
    for name in (*KINDS, "token"):
        wanted, there = inspect.signature(getattr(Ids, name)), inspect.signature(getattr(type(ids), name))
        assert list(there.parameters) == list(wanted.parameters)


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_is_minted_twice_by_many_tasks(ids: Ids, kind: str) -> None:
    minted: list[object] = []

    async def mint() -> None:
        for n in range(MINTED // 20):
            minted.append(getattr(ids, kind)())
            if n % 7 == 0:
                await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(20):
            tasks.create_task(mint())
    assert len(set(minted)) == len(minted) == MINTED


async def test_queue_ids_are_texts_of_uuid_7_that_read_back(ids: Ids) -> None:
    for _ in range(200):
        queue_id = ids.queue_id()
        octets = queue_id_octets(queue_id)
        assert (len(queue_id), len(octets)) == (26, 16)
        assert queue_id_from_octets(octets) == queue_id
        found = uuid.UUID(bytes=octets)
        assert (found.version, found.variant) == (7, uuid.RFC_4122)


async def test_queue_ids_sort_by_time(ids: Ids) -> None:
    earlier = [ids.queue_id() for _ in range(100)]
    newest = max(map(queue_id_time_us, earlier))
    ends = time.monotonic() + 10
    later = ids.queue_id()
    while queue_id_time_us(later) <= newest:
        assert time.monotonic() < ends, "the time in it stands still"
        later = ids.queue_id()
    assert all(each < later for each in earlier)
    assert 1_577_836_800_000_000 < newest < 4_102_444_800_000_000, "microseconds since 1970"


async def test_email_ids_are_uuid_1_whose_times_ascend(ids: Ids) -> None:
    minted = [ids.email_id() for _ in range(MINTED)]
    assert {(each.version, each.variant) for each in minted} == {(1, uuid.RFC_4122)}
    times = [each.time for each in minted]
    assert times == sorted(set(times))


async def test_mailbox_and_op_ids_are_uuid_4(ids: Ids) -> None:
    for _ in range(200):
        for found in (ids.mailbox_id(), uuid.UUID(bytes=ids.op_id())):
            assert (found.version, found.variant) == (4, uuid.RFC_4122)


@pytest.mark.parametrize("octets", [0, 1, 7, 16, 32, 100])
async def test_tokens_have_the_length_asked_for(ids: Ids, octets: int) -> None:
    token = ids.token(octets)
    assert isinstance(token, bytes)
    assert len(token) == octets


async def test_tokens_of_16_octets_never_repeat(ids: Ids) -> None:
    assert len({ids.token(16) for _ in range(MINTED)}) == MINTED


@pytest.mark.parametrize("kind", KINDS)
def test_other_objects_mint_others(adapter: Adapter, kind: str) -> None:
    """As if each were another process's; the serial ones promise the opposite: the same again."""
    runs = [[getattr(ids, kind)() for _ in range(500)] for ids in (adapter.make(), adapter.make())]
    if adapter.everywhere:
        assert not set(runs[0]) & set(runs[1])
    else:
        assert runs[0] == runs[1]


MINTER = f"""
import importlib, sys
module, name = sys.argv[1:]
ids = getattr(importlib.import_module(module), name)()
for _ in range(500):
    for kind in {KINDS!r}:
        value = getattr(ids, kind)()
        print(value.hex() if isinstance(value, bytes) else value)
    print(ids.token(16).hex())
"""


@pytest.mark.parametrize("name", [name for name, each in ADAPTERS.items() if each.everywhere])
def test_processes_at_the_same_moment_mint_different_ones(name: str) -> None:
    made = type(ADAPTERS[name].make())
    argv = [sys.executable, "-c", MINTER, made.__module__, made.__qualname__]
    processes = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    minted = [line for process in processes for line in process.communicate(timeout=60)[0].split()]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(set(minted)) == len(minted) == 3 * 500 * 5
