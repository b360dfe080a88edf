"""The interpreter, its libraries, limits of the kernel, the clock."""

from __future__ import annotations

import importlib.util
import platform
import resource
import sqlite3
import sys
import time
from collections.abc import Iterable

from posthouse.cli.doctor.finding import Finding, fail, ok, warn

PYTHON = (3, 11)
SQLITE = (3, 35, 0)
"""The first with RETURNING; UPSERT and WITHOUT ROWID are older."""
OPEN_FILES = 12_000
"""What limits.connections of one listener may take, and files."""
FEW_FILES = 1_024
BUILT = 1_767_225_600
"""2026-01-01; no clock is right that shows an earlier time."""
_FAR = 100 * 365 * 86_400


def python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    text = ".".join(map(str, version))
    if version < PYTHON:
        return fail("python", text, f"Posthouse needs Python {'.'.join(map(str, PYTHON))} or newer")
    return ok("python", f"{text} ({platform.python_implementation()})")


def sqlite(version: str = sqlite3.sqlite_version) -> Finding:
    if tuple(map(int, version.split("."))) < SQLITE:
        needed = ".".join(map(str, SQLITE))
        return fail("sqlite", version, f"embedded storage needs SQLite {needed} or newer: use a newer Python build")
    return ok("sqlite", version)


_LIBRARIES = (
    ("uvloop", "warn", "the event loop is asyncio's own, at about half the speed", "pip install uvloop"),
    ("argon2", "fail", "passwords cannot be checked", "pip install argon2-cffi"),
    ("cryptography", "warn", "no self-signed certificate can be made", 'pip install "posthouse[tls]"'),
)
_CLUSTER = (
    ("aiokafka", "fail", "Kafka cannot be reached", 'pip install "posthouse[kafka]"'),
    ("cassandra", "fail", "Cassandra cannot be reached", 'pip install "posthouse[cassandra]"'),
    ("grpc", "fail", "mailstore cannot be reached", 'pip install "posthouse[grpc]"'),
)


def libraries(*, cluster: bool) -> Iterable[Finding]:
    """Those that are not there; one line when all are."""
    wanted = _LIBRARIES + (_CLUSTER if cluster else ())
    missing = [
        (warn if state == "warn" else fail)("libraries", f"{name} is not installed: {without}", fix)
        for name, state, without, fix in wanted
        if importlib.util.find_spec(name) is None
    ]
    return missing or [ok("libraries", ", ".join(name for name, *_ in wanted))]


def open_files(limits: tuple[int, int] | None = None) -> Finding:
    soft, hard = limits or resource.getrlimit(resource.RLIMIT_NOFILE)
    text = f"{'no limit' if soft == resource.RLIM_INFINITY else soft} at once"
    if soft == resource.RLIM_INFINITY or soft >= OPEN_FILES:
        return ok("open files", text)
    fix = f"raise it to {OPEN_FILES} or more: `ulimit -n {OPEN_FILES}`, or LimitNOFILE= of the service"
    return (fail if soft < FEW_FILES else warn)(
        "open files", f"{text} (hard limit {hard}): each connection is one", fix
    )


def clock(now: float | None = None) -> Finding:
    now = time.time() if now is None else now
    shown = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(now))
    if not BUILT < now < BUILT + _FAR:
        return fail("clock", f"it is {shown}", "set the clock, and keep it right with chrony or systemd-timesyncd")
    return ok("clock", shown)
