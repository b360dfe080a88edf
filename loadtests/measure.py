"""Percentiles, and what a process tree has cost: CPU time and memory, read from /proc (Linux).

CPU of a tree = for each live process its own utime + stime plus cutime + cstime, so that children which have ended and
were waited for still count, each once (Postfix replaces its workers all the time). Ticks are 10 ms: divide by enough
messages. Memory: RSS counts shared pages once per process, PSS shares them out; for one process they agree.

Not done here: judging the figures (table.py), any traffic.
"""

import asyncio
import csv
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


def percentile(ascending: Sequence[float], q: float) -> float:
    """The nearest-rank percentile, 0 < q <= 100, of values in ascending order; 0.0 of nothing."""
    if not ascending:
        return 0.0
    rank = -(-len(ascending) * q // 100)
    return ascending[max(0, min(len(ascending), int(rank)) - 1)]


@dataclass(frozen=True, slots=True)
class Summary:
    """Durations in milliseconds."""

    n: int
    mean: float
    p50: float
    p90: float
    p99: float
    max: float

    def as_dict(self) -> dict[str, float]:
        return {key: round(value, 3) for key, value in asdict(self).items()}


def summarise(seconds: Sequence[float]) -> Summary:
    """Durations given in seconds, summed up in milliseconds."""
    values = sorted(value * 1000 for value in seconds)
    mean = sum(values) / len(values) if values else 0.0
    return Summary(
        len(values),
        mean,
        percentile(values, 50),
        percentile(values, 90),
        percentile(values, 99),
        values[-1] if values else 0.0,
    )


@dataclass(frozen=True, slots=True)
class Stat:
    """One line of /proc/PID/stat, as far as it is of use: parent, and CPU seconds with those of ended children."""

    pid: int
    parent: int
    cpu_s: float


def parse_stat(line: str) -> Stat:
    """The command name may hold spaces and parentheses, so the fields are counted from its last parenthesis."""
    head, _, rest = line.rpartition(")")
    fields = rest.split()
    # proc(5): state ppid … then utime stime cutime cstime are fields 14–17, that is 11–14 after the name
    return Stat(int(head.split(" ", 1)[0]), int(fields[1]), sum(int(tick) for tick in fields[11:15]) / _TICKS)


def _all_stats() -> dict[int, Stat]:
    stats = {}
    for entry in os.listdir(_PROC):
        if entry.isdigit():
            try:
                stat = parse_stat((_PROC / entry / "stat").read_text(errors="replace"))
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended between the listing and the reading
            stats[stat.pid] = stat
    return stats


def descendants(root: int, stats: dict[int, Stat]) -> list[int]:
    """Root and all below it, root first; empty when root is not there."""
    if root not in stats:
        return []
    children: dict[int, list[int]] = {}
    for stat in stats.values():
        children.setdefault(stat.parent, []).append(stat.pid)
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def _memory_kib(pid: int) -> tuple[int, int]:
    """RSS and PSS of one process; smaps_rollup needs the same user or root, else PSS falls back to RSS."""
    rss = pss = 0
    try:
        for line in (_PROC / str(pid) / "status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                rss = int(line.split()[1])
        pss = rss
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                pss = int(line.split()[1])
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return rss, pss or rss
    return rss, pss


@dataclass(frozen=True, slots=True)
class Usage:
    """What the server's processes held and had used at one moment; `by_root` is the RSS below each root."""

    cpu_s: float
    rss_kib: int
    pss_kib: int
    processes: int
    by_root: tuple[int, ...] = ()


class ProcessTree:
    """The server under load: one root, or several when its processes were started apart. With none all is zero."""

    def __init__(self, roots: Sequence[int]) -> None:
        self.roots = tuple(roots)

    @property
    def known(self) -> bool:
        return bool(self.roots)

    def cpu_s(self) -> float:
        """CPU seconds used so far. Raises ProcessLookupError when a root has gone."""
        if not self.roots:
            return 0.0
        stats = _all_stats()
        return sum(stats[pid].cpu_s for tree in self._trees(stats) for pid in tree)

    def usage(self) -> Usage:
        """CPU and memory; costs a page-table walk per process, so sample it at most about once a second."""
        if not self.roots:
            return Usage(0.0, 0, 0, 0)
        stats = _all_stats()
        trees = self._trees(stats)
        memory = [[_memory_kib(pid) for pid in tree] for tree in trees]
        return Usage(
            sum(stats[pid].cpu_s for tree in trees for pid in tree),
            sum(rss for tree in memory for rss, _pss in tree),
            sum(pss for tree in memory for _rss, pss in tree),
            sum(len(tree) for tree in trees),
            tuple(sum(rss for rss, _pss in tree) for tree in memory),
        )

    def _trees(self, stats: dict[int, Stat]) -> list[list[int]]:
        trees = [descendants(root, stats) for root in self.roots]
        for root, tree in zip(self.roots, trees, strict=True):
            if not tree:
                raise ProcessLookupError(f"the server process {root} has gone")
        return trees


async def settle(tree: ProcessTree, *, limit_s: float = 30.0, quiet_share: float = 0.03) -> bool:
    """Wait until the server has used less than `quiet_share` of one core for half a second; false when the limit ended.

    What a server does after its last reply (queue removal, indexing, checkpoints) belongs to the cost of the message.
    """
    if not tree.known:
        return True
    deadline = time.monotonic() + limit_s
    before, at = tree.cpu_s(), time.monotonic()
    while time.monotonic() < deadline:
        await asyncio.sleep(0.5)
        now, when = tree.cpu_s(), time.monotonic()
        if now - before <= quiet_share * (when - at):
            return True
        before, at = now, when
    return False


@asynccontextmanager
async def memory_curve(tree: ProcessTree, path: str | None, *, every_s: float = 1.0) -> AsyncIterator[None]:
    """While the body runs, write what the server holds as CSV, the RSS below each root in a column of its own."""
    if path is None:
        yield
        return
    rows: list[list[float]] = []
    start = time.monotonic()

    def sample() -> None:
        usage = tree.usage()
        seconds = round(time.monotonic() - start, 2)
        rows.append([seconds, usage.rss_kib, usage.pss_kib, round(usage.cpu_s, 2), usage.processes, *usage.by_root])

    async def keep_sampling() -> None:
        while True:
            sample()
            await asyncio.sleep(every_s)

    try:
        async with asyncio.TaskGroup() as tasks:
            sampler = tasks.create_task(keep_sampling())
            try:
                yield
            finally:
                sampler.cancel()
        sample()
    finally:
        roots = [f"rss_kib_{root}" for root in tree.roots]
        write_csv(path, ["seconds", "rss_kib", "pss_kib", "cpu_s", "processes", *roots], rows)


def write_csv(path: str, header: Sequence[str], rows: Sequence[Sequence[float]]) -> None:
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def micros_per(cpu_s: float, count: int) -> float:
    """CPU microseconds per message; 0 for none."""
    return round(cpu_s * 1e6 / count, 1) if count else 0.0


def load_average() -> float:
    """The one-minute load average: on a busy machine rates are floors and latencies ceilings."""
    return round(os.getloadavg()[0], 2)
