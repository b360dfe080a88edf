"""Answers of operations as JSON, and back: `{"ok": …}` or `{"error": {kind, text, temporary}}`.

The socket is the operator's (mode 0600, or a terminal): where something cannot be reached, the private reason is told,
since it says what to repair.
"""

from __future__ import annotations

from typing import Any

import orjson

from posthouse.model.errors import MailError, Unavailable


class Refused(MailError):
    """An error that came back from a running process; `kind` is the class that was raised there."""

    def __init__(self, kind: str, text: str, *, temporary: bool) -> None:
        super().__init__(text, public=text, code=451 if temporary else 550)
        self.kind = kind


def kind(error: MailError) -> str:
    return error.kind if isinstance(error, Refused) else type(error).__name__


def text(error: MailError) -> str:
    """For the operator."""
    if error.temporary and error.reason and error.reason != error.public:
        return f"{error.public} ({error.reason})"
    return error.public


def encode(result: object) -> bytes:
    return orjson.dumps({"ok": result}, option=orjson.OPT_NON_STR_KEYS)


def encode_error(error: MailError) -> bytes:
    return orjson.dumps({"error": {"kind": kind(error), "text": text(error), "temporary": error.temporary}})


def decode(answer: bytes) -> Any:
    """The result, in JSON's types. Raises Refused for an error, Unavailable for what is no answer."""
    try:
        value = orjson.loads(answer)
        if "ok" in value:
            return value["ok"]
        error = value["error"]
        refused = Refused(str(error["kind"]), str(error["text"]), temporary=bool(error["temporary"]))
    except (ValueError, TypeError, KeyError) as cause:
        raise Unavailable(f"not an answer of Posthouse: {answer[:80]!r}") from cause
    raise refused
