"""One bidirectional gRPC stream with numbered calls: written from a queue, resolved by their number.

The service says every second that it is still at work on what it was asked (a reply numbered 0). A stream on which
calls wait and nothing comes for SILENT seconds is broken, whatever TCP says: the process is frozen, or the network is
cut. (gRPC's keepalive does not find a process that was stopped.)
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import grpc

from posthouse.model.errors import Unavailable

log = logging.getLogger(__name__)

MAX_IN_FLIGHT: Final = 10_000
"""Calls per stream. Beyond it the caller is told Unavailable: a stuck mailstore must not fill our memory."""
MAX_MESSAGE: Final = 64 * 1024 * 1024
SILENT: Final = 3.0
_CHECK_EVERY: Final = 0.5

CHANNEL_OPTIONS: Final = (
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.enable_retries", 0),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)


class StreamBroken(Exception):
    """The stream ended. `sent`: the call may have been carried out; else it surely was not."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__("sent" if sent else "not sent")
        self.sent = sent


class Calls:
    """Lives in `tasks` until it breaks or is closed."""

    def __init__(self, open_stream: Callable[[AsyncIterator[Any]], Any], tasks: asyncio.TaskGroup) -> None:
        self._outgoing: asyncio.Queue[Any] = asyncio.Queue()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._serial = 0
        self._go = asyncio.Event()
        self.accepted = False
        """Whether the service has taken the stream: then calls may have been carried out."""
        self._closed = False
        self.broken = False
        self._loop = asyncio.get_running_loop()
        self._heard = 0.0
        self._check = self._loop.call_later(_CHECK_EVERY, self._check_silence)
        self._stream = open_stream(self._requests())
        self._reader = tasks.create_task(self._read())

    async def _requests(self) -> AsyncIterator[Any]:
        # Nothing goes out before the service has accepted the stream: so what is still here was surely not carried out.
        await self._go.wait()
        while (call := await self._outgoing.get()) is not None:
            yield call

    async def _read(self) -> None:
        try:
            # gRPC makes up empty metadata for a stream that never came about; the service's is not empty.
            self.accepted = bool(await self._stream.initial_metadata())
            if self.accepted:
                self._go.set()
            async for reply in self._stream:
                self._heard = self._loop.time()
                future = self._waiting.pop(reply.id, None)
                if future is not None and not future.done():
                    future.set_result(reply)
        except grpc.aio.AioRpcError as e:
            log.info("a stream to the mailstore ended: %s", e.code().name)
        except asyncio.CancelledError:
            if not self._closed:
                raise
        finally:
            self._break()

    def _check_silence(self) -> None:
        if self._waiting and self._loop.time() - self._heard > SILENT:
            log.warning("a mailstore is silent, its stream is given up")
            self.close()
            return
        self._check = self._loop.call_later(_CHECK_EVERY, self._check_silence)

    def _break(self) -> None:
        self.broken = True
        self._check.cancel()
        if not self.accepted:
            self._outgoing = asyncio.Queue()  # surely not sent, so never to be
        self._outgoing.put_nowait(None)
        self._go.set()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(StreamBroken(sent=self.accepted))
        self._waiting.clear()

    def close(self) -> None:
        self._closed = True
        self._stream.cancel()
        self._reader.cancel()

    async def call(self, message: Any, timeout: float) -> Any:
        """Raises StreamBroken, TimeoutError, Unavailable."""
        if self.broken:
            raise StreamBroken(sent=False)
        if len(self._waiting) >= MAX_IN_FLIGHT:
            raise Unavailable("too many calls wait for the mailstore")
        self._serial = serial = self._serial + 1
        message.id, message.deadline_ms = serial, max(1, int(timeout * 1000))
        future: asyncio.Future[Any] = self._loop.create_future()
        if not self._waiting:
            self._heard = self._loop.time()
        self._waiting[serial] = future
        self._outgoing.put_nowait(message)
        try:
            async with asyncio.timeout(timeout):
                return await future
        finally:
            self._waiting.pop(serial, None)
