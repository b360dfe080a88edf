"""The data directory of an embedded Posthouse: whose it is, whether it keeps what it is told to keep."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterable
from pathlib import Path

from posthouse.cli.doctor.finding import Finding, fail, ok, warn

LITTLE = 100 << 20
SOME = 1 << 30
SLOW = 0.05
"""Seconds of an fsync, beyond which a disk cannot keep up with a busy server."""
SYNCS = 5
AHEAD = 120.0
"""Seconds that a file may be dated in the future."""
NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "glusterfs"})
VOLATILE = frozenset({"tmpfs", "ramfs"})


def data_dir(data: Path) -> Iterable[Finding]:
    if not data.exists():
        parent = next(p for p in data.absolute().parents if p.exists())
        if not os.access(parent, os.W_OK | os.X_OK):
            yield fail("data directory", f"{data} cannot be made", f"make it, or let this user write to {parent}")
        else:
            yield ok("data directory", f"{data} will be made at the first start")
            yield from _space(parent)
        return
    if not data.is_dir():
        yield fail("data directory", f"{data} is no directory", "name another one with --data")
        return
    yield _permissions(data)
    yield from _space(data)
    yield from _file_system(data)
    if os.access(data, os.W_OK | os.X_OK):
        yield _sync(data)
    yield from _dates(data)


def _permissions(data: Path) -> Finding:
    found = data.stat()
    mode = stat.S_IMODE(found.st_mode)
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        fix = f"run this as the user that runs Posthouse, or `chown -R $USER {data}`"
        return fail("data directory", f"{data} (mode {mode:04o}) is not ours to write to", fix)
    if mode & 0o077:
        text = f"{data} has mode {mode:04o}: others on this machine may look at mail"
        return warn("data directory", text, f"chmod 700 {data}")
    return ok("data directory", f"{data}, mode {mode:04o}")


def _space(data: Path) -> Iterable[Finding]:
    free = shutil.disk_usage(data).free
    text = f"{free / (1 << 30):.1f} GiB free"
    if free < LITTLE:
        yield fail("disk space", text, "make room: a full disk ends the process, and senders keep their mail")
    elif free < SOME:
        yield warn("disk space", text, "make room, or move the directory to a larger disk")
    else:
        yield ok("disk space", text)


def _file_system(data: Path) -> Iterable[Finding]:
    kind = file_system(data)
    if kind in NETWORK:
        fix = "use a local disk: SQLite's write-ahead log needs shared memory and locks that hold"
        yield fail("file system", f"{data} is on {kind}", fix)
    elif kind in VOLATILE:
        yield warn("file system", f"{data} is on {kind}: mail is gone at the next reboot", "use a disk")
    elif kind:
        yield ok("file system", kind)


def file_system(path: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """Type of the file system that holds `path`; empty where the system does not say."""
    try:
        lines = mounts.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    own, best, kind = str(path.resolve()), "", ""
    for line in lines:
        _, point, found, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        inside = own == point or own.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, found
    return kind


def _sync(data: Path) -> Finding:
    probe = data / f".doctor.{os.getpid()}"
    took = []
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            for _ in range(SYNCS):
                began = time.perf_counter()
                os.write(descriptor, b"x" * 4096)
                os.fsync(descriptor)
                took.append(time.perf_counter() - began)
        finally:
            os.close(descriptor)
            probe.unlink()
        directory = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        return fail("fsync", f"{error.strerror}: what is answered 250 could not be kept", "use another disk")
    median = sorted(took)[SYNCS // 2]
    text = f"{median * 1000:.1f} ms"
    if median > SLOW:
        return warn(
            "fsync", f"{text}: each batch of mail waits that long", "use a faster disk, best one with a battery"
        )
    return ok("fsync", text)


def _dates(data: Path) -> Iterable[Finding]:
    newest = max([path.stat().st_mtime for path in data.iterdir() if path.is_file()], default=0.0)
    if newest > time.time() + AHEAD:
        ahead = newest - time.time()
        text = f"the data was written {ahead:.0f} s in the future: the clock was set back"
        yield warn(
            "clock of the data", text, "set the clock right; new mail sorts before older mail until it has passed"
        )
