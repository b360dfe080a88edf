"""How one event becomes one line: JSON for machines, text for people. Called in the writer's thread."""

import json
import logging
import time
from datetime import UTC, datetime

import orjson

from posthouse.telemetry.redaction import MAX_FIELD, Field, Redactor
from posthouse.telemetry.tracing import TraceContext


class LogContext:
    """What every event says about the work in hand."""

    __slots__ = ("account", "queue_id", "trace")

    def __init__(self, queue_id: str | None, trace: TraceContext | None, account: str | None) -> None:
        self.queue_id = queue_id
        self.trace = trace
        self.account = account


def _fields(record: logging.LogRecord) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    context: LogContext | None = getattr(record, "context", None)
    if context is not None:
        if context.queue_id is not None:
            fields["queue_id"] = context.queue_id
        if context.trace is not None:
            fields["trace_id"] = context.trace.trace_id
            fields["span_id"] = context.trace.span_id
        if context.account is not None:
            fields["account"] = context.account
    fields.update(getattr(record, "fields", None) or {})
    return fields


class JsonLines:
    """One JSON object per line."""

    def __init__(self, redactor: Redactor, process: str) -> None:
        self._redactor = redactor
        self._process = process

    def line(self, record: logging.LogRecord) -> str:
        """The line, with its end."""
        event: dict[str, Field] = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="microseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "event": self._redactor.clean(str(record.msg)),
        }
        for name, value in _fields(record).items():
            event.setdefault(name, self._redactor.clean(value))
        if record.exc_text:
            event["exception"] = self._redactor.scrub(record.exc_text)
        try:
            return orjson.dumps(event).decode() + "\n"
        except TypeError:
            # Integers beyond 64 bits and lone surrogates are what orjson refuses; the slower encoder escapes them.
            return json.dumps(event) + "\n"


class TextLines:
    """Time, level, event, fields: for a person at a terminal."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def line(self, record: logging.LogRecord) -> str:
        """The line, with its end, and a traceback below it where there is one."""
        moment = time.strftime("%H:%M:%S", time.localtime(record.created))
        fields = " ".join(
            f"{_printable(name)}={_word(self._redactor.clean(value))}"
            for name, value in _fields(record).items()
            if name not in {"trace_id", "span_id"}
        )
        name = record.name.removeprefix("posthouse.")
        event = _printable(self._redactor.scrub(str(record.msg)[:MAX_FIELD]))
        line = f"{moment}.{record.msecs:03.0f} {record.levelname.lower():7} {name}: {event}"
        if fields:
            line += "  " + fields
        if record.exc_text:
            line += "\n  " + self._redactor.scrub(record.exc_text).replace("\n", "\n  ")
        return line + "\n"


def _word(value: Field) -> str:
    text = _printable(value if isinstance(value, str) else str(value))
    return text if text and " " not in text else f'"{text}"'


def _printable(text: str) -> str:
    # A line break or an escape sequence in a field must not forge a line or steer the terminal.
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )
