"""Queues by key: order within a key, keys in parallel, bounded altogether.

A key is *parked* while a failed record of it waits to be tried again: its own records wait behind, all others go on.
`per_key` above 1 lets that many records of one key be under way; they still start in order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class _Key(Generic[T]):
    __slots__ = ("parked", "queued", "running", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[T] = deque()
        self.running = 0
        self.parked = 0
        self.queued = False


class KeyedQueues(Generic[T]):
    """`work(item)` must not raise; it may call `park`. Runs inside the given TaskGroup."""

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        work: Callable[[T], Awaitable[None]],
        *,
        concurrency: int | Callable[[], int],
        per_key: int = 1,
    ) -> None:
        """`concurrency` may be asked anew each time something starts; at least one is always under way."""
        self._tasks = tasks
        self._work = work
        self._concurrency = concurrency if callable(concurrency) else lambda: concurrency
        self._per_key = per_key
        self._keys: dict[bytes, _Key[T]] = {}
        self._ready: deque[tuple[bytes, _Key[T]]] = deque()
        self._stopped = False
        self.running = 0

    @property
    def parked(self) -> int:
        """Keys that wait for a record to be tried again."""
        return sum([key.parked > 0 for key in self._keys.values()])

    def submit(self, name: bytes, item: T) -> None:
        """Behind everything of that key."""
        key = self._keys.get(name)
        if key is None:
            key = self._keys[name] = _Key()
        key.waiting.append(item)
        self._make_ready(name, key)
        self._start()

    def park(self, name: bytes, item: T) -> None:
        """Puts a failed item back to the front; nothing of the key starts until `unpark` was called as often."""
        key = self._keys[name]
        key.waiting.appendleft(item)
        key.parked += 1

    def unpark(self, name: bytes) -> None:
        key = self._keys[name]
        key.parked -= 1
        self._make_ready(name, key)
        self._start()

    def stop(self) -> None:
        """Starts nothing more; what is under way may finish."""
        self._stopped = True

    def _make_ready(self, name: bytes, key: _Key[T]) -> None:
        if not key.queued and not key.parked and key.waiting and key.running < self._per_key:
            key.queued = True
            self._ready.append((name, key))

    def _start(self) -> None:
        limit = self._concurrency()
        while self._ready and self.running < limit and not self._stopped:
            name, key = self._ready.popleft()
            key.queued = False
            if key.parked:
                continue
            item = key.waiting.popleft()
            key.running += 1
            self.running += 1
            self._tasks.create_task(self._run(name, key, item))
            self._make_ready(name, key)

    async def _run(self, name: bytes, key: _Key[T], item: T) -> None:
        try:
            await self._work(item)
        except BaseException:
            # Cancelled with the whole group of tasks, which takes no new ones any more.
            self._stopped = True
            raise
        finally:
            key.running -= 1
            self.running -= 1
            if not key.waiting and not key.running and not key.parked:
                del self._keys[name]
            else:
                self._make_ready(name, key)
            self._start()
