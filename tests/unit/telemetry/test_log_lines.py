"""Events as lines."""

import json
import logging

from hypothesis import given
from hypothesis import strategies as st

from posthouse.telemetry.log_lines import JsonLines, LogContext, TextLines
from posthouse.telemetry.redaction import Field, Redactor
from posthouse.telemetry.tracing import TraceContext

TRACE = TraceContext("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", True)


def record(event: str, context: LogContext | None = None, **fields: Field) -> logging.LogRecord:
    made = logging.LogRecord("posthouse.mx", logging.INFO, "", 0, event, None, None)
    made.created, made.msecs = 1_700_000_000.25, 250.0
    made.fields, made.context = fields, context
    return made


def test_json_has_time_context_and_fields() -> None:
    line = JsonLines(Redactor(), "mx").line(record("accepted", LogContext("Q1", TRACE, "a-1"), rcpts=2, size=4096))
    assert line.endswith("\n")
    assert json.loads(line) == {
        "time": "2023-11-14T22:13:20.250000Z",
        "level": "info",
        "process": "mx",
        "logger": "posthouse.mx",
        "event": "accepted",
        "queue_id": "Q1",
        "trace_id": TRACE.trace_id,
        "span_id": TRACE.span_id,
        "account": "a-1",
        "rcpts": 2,
        "size": 4096,
    }


def test_a_field_cannot_replace_what_the_line_is_about() -> None:
    line = json.loads(JsonLines(Redactor(), "mx").line(record("accepted", None, level="debug", process="other")))
    assert (line["level"], line["process"]) == ("info", "mx")


def test_a_traceback_is_scrubbed() -> None:
    made = record("failed")
    made.exc_text = "ValueError: no mailbox for ann@example.org"
    assert json.loads(JsonLines(Redactor(), "mx").line(made))["exception"] == "ValueError: no mailbox for <address>"
    assert "ann@" not in TextLines(Redactor()).line(made)


def test_text_is_for_reading() -> None:
    line = TextLines(Redactor()).line(record("accepted", LogContext("Q1", TRACE, None), note="two words", empty=""))
    assert line.split(" ", 1)[1] == 'info    mx: accepted  queue_id=Q1 note="two words" empty=""\n'
    assert line.split(" ", 1)[0].endswith(".250")


def test_text_cannot_be_forged() -> None:
    line = TextLines(Redactor()).line(record("bad\nline", note="\x1b[31mred\n12:00 info"))
    assert line.count("\n") == 1
    assert "\x1b" not in line


values: st.SearchStrategy[Field] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.text(), st.dictionaries(st.text(max_size=8), values, max_size=4))
def test_any_event_is_one_line_in_either_form(event: str, fields: dict[str, Field]) -> None:
    made = record(event)
    made.fields = fields
    as_json = JsonLines(Redactor(), "mx").line(made)
    assert as_json.count("\n") == 1
    assert json.loads(as_json)["level"] == "info"
    assert TextLines(Redactor()).line(made).count("\n") == 1


def test_lone_surrogates_and_huge_integers_are_written_somehow() -> None:
    line = JsonLines(Redactor(), "mx").line(record("odd", None, name="\udcff", number=1 << 80))
    assert json.loads(line)["event"]
