"""Memory for messages being appended: granted in order of arrival, bounded over all connections of the process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable


class Grant:
    """The right to hold `size` octets. `release` when the message is stored, refused, or its connection lost."""

    __slots__ = ("_memory", "given", "on_given", "size")

    def __init__(self, memory: LiteralMemory, size: int, on_given: Callable[[], None]) -> None:
        self._memory: LiteralMemory | None = memory
        self.size = size
        self.given = False
        self.on_given = on_given

    def release(self) -> None:
        """More than once does no harm; before it was given, the request is withdrawn."""
        if self._memory is not None:
            memory, self._memory = self._memory, None
            memory.give_back(self)


class LiteralMemory:
    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        """Octets granted and not released."""
        self._waiting: deque[Grant] = deque()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def ask(self, size: int, on_given: Callable[[], None]) -> Grant:
        """Look at `given`: if False, `on_given` is called once when it is the asker's turn. A single message above the
        limit is granted when nothing else is held, so that settings that do not fit cannot block for ever."""
        grant = Grant(self, size, on_given)
        if not self._waiting and self._fits(size):
            self._give(grant)
        else:
            self._waiting.append(grant)
        return grant

    def give_back(self, grant: Grant) -> None:
        """Called by the grant."""
        if grant.given:
            self.held -= grant.size
        else:
            self._waiting.remove(grant)
        while self._waiting and self._fits(self._waiting[0].size):
            waiting = self._waiting.popleft()
            self._give(waiting)
            waiting.on_given()

    def _fits(self, size: int) -> bool:
        return self.held + size <= self.limit or not self.held

    def _give(self, grant: Grant) -> None:
        grant.given = True
        self.held += grant.size
