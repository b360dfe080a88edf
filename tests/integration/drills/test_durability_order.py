"""What reaches the disk before the 250, seen from the kernel: system calls of `posthouse up` under strace.

inline: record in the write-ahead log → fdatasync of it → 250
blob:   octets in a file → fsync of it → rename → fsync of the folder → record in the log → fdatasync → 250
APPEND: octets in the log → fdatasync → tagged OK
"""

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.imap_session import ImapSession
from harness.install import cache_dir
from harness.posthouse_up import PosthouseUp
from harness.toolchain import strace
from harness.traffic import Fate, Sent, SmtpClient, SmtpTraffic

CALLS = "fsync,fdatasync,pwrite64,write,writev,sendto,sendmsg,rename,renameat,renameat2"
WAL = "/data/posthouse.db-wal>"
# Process ids are padded to five places: below 10,000 more than one blank follows.
_LINE = re.compile(r"^(\d+) +(.*)$")
_RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>")
_APPENDED = "APPENDUID"


@dataclass(slots=True)
class Call:
    """One system call, from the line at which it began to the line at which it had returned."""

    thread: str
    name: str
    text: str
    began: int
    ended: int


def calls_of(trace: str) -> list[Call]:
    """In the order in which they began."""
    found: list[Call] = []
    open_calls: dict[str, Call] = {}
    for number, line in enumerate(trace.splitlines()):
        parts = _LINE.match(line)
        if parts is None:
            continue
        thread, text = parts[1], parts[2]
        if _RESUMED.match(text):
            if thread in open_calls:
                open_calls.pop(thread).ended = number
            continue
        name = text.partition("(")[0]
        call = Call(thread, name, text, number, number)
        if text.endswith("<unfinished ...>"):
            open_calls[thread] = call
        found.append(call)
    return found


def first(calls: Sequence[Call], what: str, wanted: Callable[[Call], bool], *, after: int = -1) -> Call:
    for call in calls:
        if call.began > after and wanted(call):
            return call
    raise AssertionError(f"no {what} after line {after}")


def synced(calls: Sequence[Call], content: str, before: Call, *, after: int = -1) -> Call:
    """`content` is written into the write-ahead log, and the log synced, before that call begins; the last write."""
    written = first(
        calls, f"{content} in the log", lambda it: it.name == "pwrite64" and content in it.text, after=after
    )
    assert WAL in written.text
    sync = first(
        calls,
        "sync of the log",
        lambda it: it.name in ("fdatasync", "fsync") and WAL in it.text and it.thread == written.thread,
        after=written.ended,
    )
    assert sync.ended < before.began, f"answered at line {before.began}, synced at {sync.ended}"
    return written


class TracedUp(PosthouseUp):
    """The platform under strace."""

    start_deadline = 180.0

    @property
    def trace(self) -> Path:
        return self.home / "trace"

    def argv(self) -> Sequence[str]:
        # Strings long enough for a page of the log; paths of descriptors.
        options = ["-f", "-y", "-s", "9000", "-e", f"trace={CALLS}", "-o", str(self.trace)]
        return [str(strace(cache_dir())), *options, *super().argv()]

    def not_ready(self) -> str | None:
        return None if self.ready_file.exists() else "no ready file yet"


@pytest.fixture
def traced(run_dir: Path) -> Iterator[TracedUp]:
    up = TracedUp(run_dir, accounts=1, name="up-traced")
    yield up
    up.close()


def answer(calls: Sequence[Call], sent: Sent) -> Call:
    return first(calls, "250", lambda it: f"queued as {sent.queue_id}" in it.text and "write" in it.name)


def test_calls_are_read_whatever_the_process_id() -> None:
    [padded, plain] = calls_of("9786  fdatasync(17</d/x-wal>) = 0\n19786 fdatasync(17</d/x-wal>) = 0\n")
    assert (padded.thread, padded.name) == ("9786", "fdatasync")
    assert (plain.thread, plain.name) == ("19786", "fdatasync")


async def test_nothing_is_answered_before_it_is_on_disk(traced: TracedUp) -> None:
    await asyncio.to_thread(traced.start)
    [person] = traced.people()
    traffic = SmtpTraffic([traced.mx], [person], most_rcpts=1)
    client = await SmtpClient.open(*traced.mx)
    inline = await traffic.one(client, size=1_000)
    blob = await traffic.one(client, size=60_000)
    assert inline.fate is blob.fate is Fate.KEPT
    async with await ImapSession.open(*traced.imap) as imap:
        await imap.login(person.address, person.password)
        await imap.command("APPEND Drafts", literal=b"Subject: x\r\n\r\nappended-octets\r\n")
    assert await asyncio.to_thread(traced.stop) == 0
    calls = calls_of(traced.trace.read_text())

    synced(calls, inline.queue_id, answer(calls, inline))

    said = answer(calls, blob)
    octets = first(calls, "blob", lambda it: it.name == "write" and "/blobs/" in it.text and blob.marker in it.text)
    [temporary] = re.findall(r"<([^>]*/blobs/[^>]*)>", octets.text)[:1]
    file_sync = first(calls, "fsync", lambda it: it.name == "fsync" and temporary in it.text, after=octets.ended)
    rename = first(
        calls, "rename", lambda it: it.name.startswith("rename") and temporary in it.text, after=file_sync.ended
    )
    folder = str(Path(temporary).parent)
    folder_sync = first(
        calls, "fsync of the folder", lambda it: it.name == "fsync" and f"<{folder}>" in it.text, after=rename.ended
    )
    synced(calls, blob.queue_id, said, after=folder_sync.ended)

    appended = first(calls, "OK of APPEND", lambda it: _APPENDED in it.text and "write" in it.name)
    synced(calls, "appended-octets", appended)
