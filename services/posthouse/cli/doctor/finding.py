"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    state: State
    check: str
    text: str
    fix: str = ""
    """What to do; empty where all is well."""


def ok(check: str, text: str) -> Finding:
    return Finding("ok", check, text)


def warn(check: str, text: str, fix: str) -> Finding:
    return Finding("warn", check, text, fix)


def fail(check: str, text: str, fix: str) -> Finding:
    return Finding("fail", check, text, fix)
