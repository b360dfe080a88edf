"""How much one account may send in an hour: messages, and distinct recipients.

A sliding hour: every message and every recipient counts for 3600 s from when it was accepted. Memory is bounded by
the caps per account and by `capacity` accounts; who was quiet longest is forgotten first. The counts are those of this
process: with n submission processes an account may send up to n times as much. Pure; the time is an argument.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final

from posthouse.model.errors import RateLimited
from posthouse.model.ids import AccountId

HOUR: Final = 3600.0


class _Sent:
    __slots__ = ("messages", "rcpts")

    def __init__(self) -> None:
        self.messages: deque[float] = deque()
        self.rcpts: OrderedDict[str, float] = OrderedDict()
        """Recipient → when it was last sent to, oldest first."""

    def expire(self, now: float) -> None:
        old = now - HOUR
        while self.messages and self.messages[0] <= old:
            self.messages.popleft()
        while self.rcpts:
            rcpt, at = next(iter(self.rcpts.items()))
            if at > old:
                break
            del self.rcpts[rcpt]


class Caps:
    """`messages`, `rcpts`: of one account in an hour."""

    def __init__(self, messages: int, rcpts: int, capacity: int = 100_000) -> None:
        self._messages = messages
        self._rcpts = rcpts
        self._capacity = capacity
        self._sent: OrderedDict[AccountId, _Sent] = OrderedDict()

    def check_message(self, account: AccountId, now: float) -> None:
        """RateLimited when one more message is too many."""
        sent = self._of(account, now)
        if sent is not None and len(sent.messages) >= self._messages:
            raise RateLimited(f"{len(sent.messages)} messages in an hour")

    def check_rcpts(self, account: AccountId, rcpts: set[str], now: float) -> None:
        """RateLimited when these recipients of one message would be too many distinct ones."""
        if len(rcpts) > self._rcpts:
            raise RateLimited(f"{len(rcpts)} recipients of one message", public="Too many recipients in an hour")
        sent = self._of(account, now)
        if sent is not None and len(sent.rcpts) + len(rcpts - sent.rcpts.keys()) > self._rcpts:
            raise RateLimited(f"{len(sent.rcpts)} recipients in an hour", public="Too many recipients in an hour")

    def charge(self, account: AccountId, rcpts: set[str], now: float) -> None:
        """A message was accepted."""
        sent = self._of(account, now)
        if sent is None:
            sent = self._sent[account] = _Sent()
            if len(self._sent) > self._capacity:
                self._sent.popitem(last=False)
        sent.messages.append(now)
        for rcpt in rcpts:
            sent.rcpts[rcpt] = now
            sent.rcpts.move_to_end(rcpt)

    def _of(self, account: AccountId, now: float) -> _Sent | None:
        sent = self._sent.get(account)
        if sent is not None:
            sent.expire(now)
            self._sent.move_to_end(account)
        return sent
