"""Logs: one event per line, JSON for machines and text for terminals, written by a thread so that the loop never waits.

    log = EventLogger("posthouse.mx")
    with log_context(queue_id=queue_id, trace=span.context):
        log.info("accepted", rcpts=2, size=4096)

Invariants
- The event is a fixed phrase, what varies are fields; queue_id, trace_id, span_id and account come from the context.
- The queue to the writer is bounded: when it is full the event is dropped and counted, mail is not held up.
- No address and no content is written: a field or traceback that holds something like an address is scrubbed before it
  is written (`redaction.py`), unless the setting `telemetry.log_addresses` allows it.
Not done here: which level and format (runtime passes them), shipping (stderr is the collector's business).
"""

import contextvars
import io
import logging
import queue
import sys
import threading
import traceback
from types import TracebackType
from typing import Final, Literal, Self, TextIO

from posthouse.telemetry.log_lines import JsonLines, LogContext, TextLines
from posthouse.telemetry.redaction import MAX_FIELD, Field, Redactor
from posthouse.telemetry.tracing import TraceContext

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["json", "text"]

_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_CLOSE: Final = 5.0
"""Seconds to write what is queued at the end."""
_context: contextvars.ContextVar[LogContext | None] = contextvars.ContextVar("posthouse.log", default=None)


class log_context:
    """Adds to the context of every event logged within, in this task and those started from it."""

    # Used like a function, hence its name; a class costs a third of what contextlib's generator does.

    __slots__ = ("_new", "_token")

    def __init__(
        self, *, queue_id: str | None = None, trace: TraceContext | None = None, account: str | None = None
    ) -> None:
        """`account` is the id of the account, never its address. What is None stays as it is outside."""
        outer = _context.get()
        if outer is not None:
            queue_id = queue_id if queue_id is not None else outer.queue_id
            trace = trace if trace is not None else outer.trace
            account = account if account is not None else outer.account
        self._new = LogContext(queue_id, trace, account)

    def __enter__(self) -> Self:
        self._token = _context.set(self._new)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _context.reset(self._token)


def current_trace() -> TraceContext | None:
    """The trace of the work in hand, as the innermost `log_context` says."""
    context = _context.get()
    return None if context is None else context.trace


class EventLogger:
    """A logger of events with fields, over the standard library's logger of that name."""

    __slots__ = ("_logger",)

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, **fields: Field) -> None:
        """What a developer wants to see while looking for a fault."""
        if self._logger.isEnabledFor(logging.DEBUG):
            self._log(logging.DEBUG, event, None, fields)

    def info(self, event: str, **fields: Field) -> None:
        """What happened: one event per message and stage."""
        if self._logger.isEnabledFor(logging.INFO):
            self._log(logging.INFO, event, None, fields)

    def warning(self, event: str, *, exc_info: BaseException | None = None, **fields: Field) -> None:
        """Something went wrong and was dealt with."""
        self._log(logging.WARNING, event, exc_info, fields)

    def error(self, event: str, *, exc_info: BaseException | None = None, **fields: Field) -> None:
        """Something went wrong and needs somebody."""
        self._log(logging.ERROR, event, exc_info, fields)

    def _log(self, level: int, event: str, error: BaseException | None, fields: dict[str, Field]) -> None:
        logger = self._logger
        if not logger.isEnabledFor(level):
            return
        # Not Logger.log, which walks the stack for file and line: the event is a fixed phrase that can be searched for.
        exc_info = None if error is None else (type(error), error, error.__traceback__)
        logger.handle(
            logger.makeRecord(
                logger.name, level, "", 0, event, (), exc_info, None, {"fields": fields} if fields else None
            )
        )


class Log:
    """The process's logging: installs itself on the root logger, writes from a thread, restores on `close`."""

    def __init__(
        self,
        *,
        level: Level = "info",
        format: Format = "json",
        redactor: Redactor | None = None,
        queue_size: int = 10_000,
        stream: TextIO | None = None,
        process: str = "posthouse",
    ) -> None:
        """`stream`: stderr where None. `process` is in each JSON line."""
        self.redactor = redactor or Redactor()
        # SimpleQueue for its speed; the bound is kept by `put`, one thread's size check being exact enough.
        self._queue: queue.SimpleQueue[logging.LogRecord | threading.Event | None] = queue.SimpleQueue()
        self._queue_size = queue_size
        self._stream = stream if stream is not None else sys.stderr
        self._render = JsonLines(self.redactor, process) if format == "json" else TextLines(self.redactor)
        self._handler = _Enqueue(self)
        self._thread = threading.Thread(target=self._write_all, name="posthouse-log", daemon=True)
        self._root = logging.getLogger()
        self._before = (self._root.level, self._root.handlers[:])
        self._root.handlers[:] = [self._handler]
        self._root.setLevel(_LEVELS[level])
        # Libraries are told about only when something is wrong; our own events start at `level`.
        self._quiet = logging.getLogger("aiokafka"), logging.getLogger("cassandra"), logging.getLogger("mail.log")
        for logger in self._quiet:
            logger.setLevel(max(_LEVELS[level], logging.WARNING))
        # What nobody reads and costs 4 µs a record (logging HOWTO, "Optimization").
        self._collected = logging.logThreads, logging.logProcesses, logging.logMultiprocessing
        logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
        self.dropped = 0
        """Events dropped because the queue was full."""
        self._thread.start()

    def put(self, record: logging.LogRecord) -> None:
        """Queue one record, or drop and count it. Called in the thread that logs."""
        if self._queue.qsize() >= self._queue_size:
            self.dropped += 1
        else:
            self._queue.put(record)

    def flush(self) -> None:
        """Wait until what was queued so far is written. Blocks; for the end of a process and for tests."""
        if not self._thread.is_alive():
            return  # closed: everything is written
        written = threading.Event()
        self._queue.put(written)
        written.wait(timeout=_CLOSE)

    def close(self) -> None:
        """Write what is queued, stop the thread, give the root logger back."""
        level, handlers = self._before
        self._root.setLevel(level)
        self._root.handlers[:] = handlers
        logging.logThreads, logging.logProcesses, logging.logMultiprocessing = self._collected
        for logger in self._quiet:
            logger.setLevel(logging.NOTSET)
        self._queue.put(None)
        self._thread.join(timeout=_CLOSE)

    def _write_all(self) -> None:
        reported = 0
        while (item := self._queue.get()) is not None:
            if isinstance(item, threading.Event):
                item.set()
            elif not self._write(self._render.line(item)):
                self.dropped += 1
            elif self.dropped != reported and self._queue.qsize() < self._queue_size // 2:
                lost, reported = self.dropped - reported, self.dropped
                self._write(self._render.line(_dropped(lost)))

    def _write(self, line: str) -> bool:
        try:
            self._stream.write(line)
            self._stream.flush()
        except (OSError, ValueError):
            # The reader of the pipe is gone. There is nowhere left to say so but the count.
            return False
        return True


class _Enqueue(logging.Handler):
    """Gives records the context of the caller, then hands them over. Formatting happens in the writer's thread."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        record.context = _context.get()
        if record.args:
            # Arguments may be mutable: the text is made now. Only foreign loggers use them.
            record.msg, record.args = record.getMessage(), None
        if record.exc_info:
            record.exc_text = _traceback(record.exc_info[1])
            record.exc_info = None
        self._log.put(record)

    def flush(self) -> None:
        """By logging.shutdown(), with which a process ends that must not go on: why it ends is still in the queue."""
        self._log.flush()


def _traceback(error: BaseException | None) -> str:
    if error is None:
        return ""
    text = io.StringIO()
    for line in traceback.TracebackException.from_exception(error, limit=-30, capture_locals=False).format():
        text.write(line)
        if text.tell() > 4 * MAX_FIELD:
            break
    return text.getvalue()[: 4 * MAX_FIELD].rstrip()


def _dropped(count: int) -> logging.LogRecord:
    record = logging.LogRecord(__name__, logging.WARNING, "", 0, "log events dropped", None, None)
    record.fields = {"count": count}
    record.context = None
    return record
