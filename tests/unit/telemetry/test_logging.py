"""Events on their way from the caller to the stream."""

import asyncio
import io
import json
import logging
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from posthouse.telemetry.logging import EventLogger, Log, log_context
from posthouse.telemetry.redaction import Redactor
from posthouse.telemetry.tracing import TraceContext

TRACE = TraceContext("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", True)
events = EventLogger("posthouse.test")


class Gate(io.StringIO):
    """A stream that can be blocked, as a full pipe is."""

    def __init__(self) -> None:
        super().__init__()
        self.open = threading.Event()
        self.open.set()
        self.blocked = threading.Event()

    def write(self, text: str) -> int:
        if not self.open.is_set():
            self.blocked.set()
            assert self.open.wait(10)
        return super().write(text)


@pytest.fixture
def stream() -> Gate:
    return Gate()


@pytest.fixture
def log(stream: Gate) -> Iterator[Log]:
    made = Log(stream=stream, process="mx", queue_size=10)
    yield made
    stream.open.set()
    made.close()


def lines(log: Log, stream: Gate) -> list[dict[str, Any]]:
    log.flush()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_has_the_context_of_its_caller(log: Log, stream: Gate) -> None:
    with log_context(queue_id="Q1", trace=TRACE):
        events.info("accepted", rcpts=2)
        with log_context(account="a-1"):
            events.info("stored")
        events.info("done")
    events.info("outside")
    seen = lines(log, stream)
    assert [line.get("queue_id") for line in seen] == ["Q1", "Q1", "Q1", None]
    assert [line.get("account") for line in seen] == [None, "a-1", None, None]
    assert seen[1]["trace_id"] == TRACE.trace_id
    assert seen[0]["rcpts"] == 2


async def test_tasks_keep_their_own_context(log: Log, stream: Gate) -> None:
    async def stage(queue_id: str) -> None:
        with log_context(queue_id=queue_id):
            await asyncio.sleep(0)
            events.info("done", expected=queue_id)

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(stage(f"Q{number}"))
    seen = lines(log, stream)
    assert len(seen) == 5
    assert all(line["queue_id"] == line["expected"] for line in seen)


def test_a_blocked_stream_drops_and_counts_but_never_blocks(log: Log, stream: Gate) -> None:
    stream.open.clear()
    events.info("first")
    assert stream.blocked.wait(10)
    for number in range(25):
        events.info("more", number=number)
    assert log.dropped == 15
    stream.open.set()
    seen = lines(log, stream)
    assert [line["event"] for line in seen].count("more") == 10
    [notice] = [line for line in seen if line["event"] == "log events dropped"]
    assert notice["count"] == 15


def test_an_exception_is_written_without_addresses(log: Log, stream: Gate) -> None:
    try:
        raise ValueError("no mailbox for ann@example.org")
    except ValueError as error:
        events.error("failed", exc_info=error)
    [line] = lines(log, stream)
    assert line["level"] == "error"
    assert "ValueError: no mailbox for <address>" in line["exception"]
    assert "Traceback" in line["exception"]


def test_a_deep_traceback_is_bounded(log: Log, stream: Gate) -> None:
    def deep(level: int) -> None:
        if level:
            deep(level - 1)
        raise ValueError("x" * 100_000)

    try:
        deep(200)
    except ValueError as error:
        events.error("failed", exc_info=error)
    [line] = lines(log, stream)
    assert len(line["exception"]) <= 4 * 8192


def test_records_of_libraries_pass_the_same_way(log: Log, stream: Gate) -> None:
    mutable = ["ann@example.org"]
    logging.getLogger("somelib").warning("refused %s", mutable)
    mutable.append("changed later")
    logging.getLogger("aiokafka.consumer").info("chatter")
    [line] = lines(log, stream)
    assert line["event"] == "refused ['<address>']"
    assert line["logger"] == "somelib"


def test_levels() -> None:
    stream = Gate()
    log = Log(stream=stream, level="warning")
    events.debug("no")
    events.info("no")
    events.warning("yes")
    log.close()
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["yes"]


def test_close_writes_what_is_queued_and_gives_the_root_logger_back() -> None:
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    stream = Gate()
    log = Log(stream=stream, format="text", redactor=Redactor(addresses=True))
    for _ in range(5):
        events.info("last words", to="ann@example.org")
    log.close()
    assert stream.getvalue().count("ann@example.org") == 5
    assert (root.level, root.handlers) == before


def test_a_stream_that_is_gone_is_counted() -> None:
    stream = Gate()
    log = Log(stream=stream)
    stream.close()
    events.info("into the void")
    log.flush()
    assert log.dropped == 1
    log.close()


def test_last_words_are_written_before_a_process_ends_itself() -> None:
    """`os._exit` waits for no thread: logging.shutdown(), which flushes the handlers, is all there is before it."""
    stream = io.StringIO()
    log = Log(stream=stream)
    try:
        logging.getLogger("posthouse.engines.sqlite").critical("ending")
        [handler] = logging.getLogger().handlers
        logging.shutdown([weakref.ref(handler)])
        assert json.loads(stream.getvalue())["event"] == "ending"
    finally:
        log.close()
    handler.flush()  # once more, at the interpreter's end: nobody is left to wait for
