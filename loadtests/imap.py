"""Load on an IMAP listener: what one mailbox costs to open and read, and what an idle connection weighs.

    python loadtests/imap.py --ready READY --fill 10000                   make the mailbox, then all steps
    python loadtests/imap.py --ready READY --steps select,envelope        on what is there
    python loadtests/imap.py --ready READY --idle 1000 --hold 10          memory per idle connection, plain
    python loadtests/imap.py --ready READY --idle 1000 --tls              the same under TLS

Each reading step is timed the first time it is asked for, in a session of its own ("first": cold if the server was just
started), and then --repeat times in that session ("again"). Steps by several clients at once give commands per second.
The first account of the target is read; idle connections go round-robin over all.
Exit code 0 when every command was answered OK and complete, 1 otherwise.
"""

import argparse
import asyncio
import json
import secrets
import sys
import time
from typing import Any

import uvloop

from imap_client import Answer, ImapConnection, ImapDoor, ImapRefused
from measure import ProcessTree, load_average, micros_per, settle, summarise
from message import MessageMaker
from target import Account, Target, add_target_arguments, raise_file_limit, target_of

DOORS = ("imap", "imaps")
# What Thunderbird 115 asks for when it opens a folder
_THUNDERBIRD = (
    b"(UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date Message-ID Priority X-Priority "
    b"References Newsgroups In-Reply-To Content-Type Reply-To)])"
)
READS = {
    "flags": b"FETCH 1:* (FLAGS)",
    "uid-flags": b"FETCH 1:* (UID FLAGS)",
    "envelope": b"FETCH 1:* (UID FLAGS ENVELOPE)",
    "thunderbird": b"FETCH 1:* " + _THUNDERBIRD,
    "bodystructure": b"FETCH 1:* (UID BODYSTRUCTURE)",
}
MANY = ("body", "store", "append")
STEPS = ("login", "select", *READS, *MANY)
_FILL_CHUNK = 16  # messages per pipeline: some servers close a connection with 32 literals in flight
_MOST = 200_000


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_target_arguments(made, DOORS)
    made.add_argument("--mailbox", default="INBOX")
    made.add_argument("--fill", type=int, metavar="N", help="APPEND until the mailbox holds N messages")
    made.add_argument("--steps", default=",".join(STEPS), help=f"comma list of: {', '.join(STEPS)}; or none")
    made.add_argument("--repeat", type=int, default=5, help="times of each reading step after its first (default 5)")
    made.add_argument("--clients", type=int, default=10, help="clients of body, store, append (default 10)")
    made.add_argument("--commands", type=int, default=200, help="commands per client (default 200)")
    made.add_argument("--appends", type=int, default=20, help="APPENDs per client (default 20)")
    made.add_argument("--size", type=int, default=4096, help="octets of an appended message (default 4096)")
    made.add_argument("--idle", type=int, metavar="N", help="open N connections, hold them; no other step")
    made.add_argument("--idle-state", choices=("greeting", "login", "select", "idle"), default="idle")
    made.add_argument("--hold", type=float, default=5.0, metavar="S", help="how long they are held (default 5)")
    made.add_argument("--tls", action="store_true", help="use the imaps listener")
    made.add_argument("--max-seconds", type=float, default=900.0, help="give up after this (default 900)")
    made.add_argument("--json", action="store_true", help="print JSON only")
    return made


async def fill(door: ImapDoor, account: Account, mailbox: str, wanted: int, size: int) -> int:
    """APPEND, pipelined with LITERAL+, until `mailbox` holds `wanted` messages; how many were added."""
    connection = await door.open(account)
    there = await connection.status_messages(mailbox)
    maker = MessageMaker("f" + secrets.token_hex(5), size)
    missing = max(0, min(wanted, _MOST) - there)
    for start in range(0, missing, _FILL_CHUNK):
        numbers = range(start, min(start + _FILL_CHUNK, missing))
        await connection.append_pipelined(mailbox, [maker.make(number, account.address) for number in numbers])
    connection.close()
    return missing


class Reader:
    """The reading steps over one account's mailbox."""

    def __init__(self, args: argparse.Namespace, target: Target) -> None:
        self._args = args
        self._account = target.accounts[0]
        self._door = ImapDoor(target.door("imaps" if args.tls else "imap"), args.tls)
        self._tree = ProcessTree(target.pids)
        self._maker = MessageMaker("a" + secrets.token_hex(5), args.size)
        self.holds = 0

    async def login(self) -> dict[str, Any]:
        """Connect, greeting, LOGIN, in a new connection each time."""

        async def once() -> None:
            (await self._door.open(self._account)).close()

        return await self._timed(once, once)

    async def select(self) -> dict[str, Any]:
        """SELECT in a new session (first) and again in the same."""
        connection = await self._door.open(self._account)

        async def once() -> None:
            self.holds = await connection.select(self._args.mailbox)

        report = await self._timed(once, once)
        connection.close()
        fresh = []
        for _ in range(self._args.repeat):
            connection = await self._door.open(self._account)
            begun = time.monotonic()
            await connection.select(self._args.mailbox)
            fresh.append(time.monotonic() - begun)
            connection.close()
        return {**report, "new_session_ms": round(summarise(fresh).p50, 3)}

    async def read(self, step: str) -> dict[str, Any]:
        """One FETCH over the whole mailbox."""
        connection = await self._selected()
        sizes: list[int] = []

        async def once() -> None:
            answer: Answer = await connection.command(READS[step])
            sizes.append(len(answer.data))
            if answer.fetches() != self.holds:
                raise ImapRefused(f"{step}: {answer.fetches()} FETCH replies for {self.holds} messages")

        report = await self._timed(once, once)
        connection.close()
        return {**report, "octets": sizes[0]}

    async def _timed(self, first: Any, again: Any) -> dict[str, Any]:
        """first once, again --repeat times: milliseconds, and the server's CPU milliseconds each."""
        begun, cpu = time.monotonic(), self._tree.cpu_s()
        await first()
        first_s, first_cpu = time.monotonic() - begun, self._tree.cpu_s() - cpu
        times = []
        cpu = self._tree.cpu_s()
        for _ in range(self._args.repeat):
            begun = time.monotonic()
            await again()
            times.append(time.monotonic() - begun)
        cpu = self._tree.cpu_s() - cpu
        summary = summarise(times)
        return {
            "first_ms": round(first_s * 1000, 3),
            "again_ms": round(summary.p50, 3),
            "again_max_ms": round(summary.max, 3),
            "first_cpu_ms": round(first_cpu * 1000, 1),
            "again_cpu_ms": round(cpu * 1000 / max(1, self._args.repeat), 1),
        }

    async def _selected(self) -> ImapConnection:
        connection = await self._door.open(self._account)
        self.holds = await connection.select(self._args.mailbox)
        return connection

    # -- several clients at once

    async def many(self, step: str) -> dict[str, Any]:
        """--clients sessions on the mailbox, each sending its commands one after the other."""
        clients = [await self._selected() for _ in range(self._args.clients)]
        if not self.holds and step != "append":
            raise ImapRefused(f"{step} needs messages in {self._args.mailbox}")
        await settle(self._tree, limit_s=10)
        own, cpu, begun = time.process_time(), self._tree.cpu_s(), time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            runs = [tasks.create_task(self._one(step, number, client)) for number, client in enumerate(clients)]
        seconds = time.monotonic() - begun
        cpu, own = self._tree.cpu_s() - cpu, time.process_time() - own
        for client in clients:
            client.close()
        times = [each for run in runs for each in run.result()]
        return {
            "clients": len(clients),
            "commands": len(times),
            "per_s": round(len(times) / seconds, 1),
            "ms": summarise(times).as_dict(),
            "server_cpu_us": micros_per(cpu, len(times)),
            "generator_cpu_us": micros_per(own, len(times)),
        }

    async def _one(self, step: str, number: int, client: ImapConnection) -> list[float]:
        args = self._args
        times: list[float] = []
        if step == "append":
            for n in range(number * args.appends, (number + 1) * args.appends):
                message = self._maker.make(n, self._account.address)
                times.append((await client.append(args.mailbox, message)).seconds)
            return times
        for n in range(args.commands):
            # spread over the mailbox by a stride that is prime to any size below it
            at = (number * 7919 + n * 104_729) % self.holds + 1
            if step == "body":
                text = b"FETCH %d (BODY.PEEK[])" % at
            else:
                text = b"STORE %d %sFLAGS (\\Flagged)" % (at, b"+" if n % 2 == 0 else b"-")
            times.append((await client.command(text)).seconds)
        return times


async def measure_steps(args: argparse.Namespace, target: Target) -> dict[str, Any]:
    """Fill, then the steps in the order of STEPS."""
    door = ImapDoor(target.door("imaps" if args.tls else "imap"), args.tls)
    chosen = [] if args.steps == "none" else args.steps.split(",")
    unknown = set(chosen) - set(STEPS)
    if unknown:
        raise SystemExit(f"error: unknown steps {', '.join(sorted(unknown))}; there are {', '.join(STEPS)}")
    report: dict[str, Any] = {"scenario": "imap", "tls": args.tls, "steps": {}}
    if args.fill:
        begun = time.monotonic()
        added = await fill(door, target.accounts[0], args.mailbox, args.fill, args.size)
        seconds = max(time.monotonic() - begun, 1e-9)
        report["fill"] = {"added": added, "per_s": round(added / seconds, 1)}
        await settle(ProcessTree(target.pids))
    reader = Reader(args, target)
    for step in STEPS:
        if step not in chosen:
            continue
        if step == "login":
            report["steps"][step] = await reader.login()
        elif step == "select":
            report["steps"][step] = await reader.select()
        elif step in READS:
            report["steps"][step] = await reader.read(step)
        else:
            report["steps"][step] = await reader.many(step)
        if not args.json:
            print(f"{step:14} {report['steps'][step]}", flush=True)
    return {**report, "messages": reader.holds, "load_average": load_average()}


async def measure_idle(args: argparse.Namespace, target: Target) -> dict[str, Any]:
    """Open --idle connections, hold them, close them: memory per connection."""
    raise_file_limit(args.idle + 64)
    tree = ProcessTree(target.pids)
    door = ImapDoor(target.door("imaps" if args.tls else "imap"), args.tls)
    # a few at once first: what a server loads and allocates to set up sessions is not laid on those that are held
    async with asyncio.TaskGroup() as tasks:
        first = [tasks.create_task(door.open(target.accounts[n % len(target.accounts)])) for n in range(20)]
    for task in first:
        task.result().close()
    await settle(tree)
    before = tree.usage()
    gate = asyncio.Semaphore(20)
    pushed = 0

    def on_line(line: bytes, _at: float) -> None:
        nonlocal pushed
        pushed += line.startswith(b"*")

    async def one(number: int) -> ImapConnection:
        account = target.accounts[number % len(target.accounts)]
        async with gate:
            connection = await door.open(None if args.idle_state == "greeting" else account)
            if args.idle_state in ("select", "idle"):
                await connection.select(args.mailbox)
            if args.idle_state == "idle":
                await connection.idle(on_line)
        return connection

    begun = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        opened = [tasks.create_task(one(number)) for number in range(args.idle)]
    seconds = time.monotonic() - begun
    up = tree.cpu_s()
    quiet = await settle(tree)
    held = tree.usage()
    await asyncio.sleep(args.hold)
    after_hold = tree.usage()
    connections = [task.result() for task in opened]
    alive = sum(not connection.closed for connection in connections)
    for connection in connections:
        connection.close()
    await asyncio.sleep(0.5)
    await settle(tree)
    closed = tree.usage()
    return {
        "scenario": "idle",
        "tls": args.tls,
        "state": args.idle_state,
        "connections": args.idle,
        "alive_after_hold": alive,
        "set_up_per_s": round(args.idle / seconds, 1),
        "set_up_cpu_us": micros_per(up - before.cpu_s, args.idle),
        "rss_kib_per_connection": round((after_hold.rss_kib - before.rss_kib) / args.idle, 1),
        "pss_kib_per_connection": round((after_hold.pss_kib - before.pss_kib) / args.idle, 1),
        "rss_kib": {"before": before.rss_kib, "held": after_hold.rss_kib, "closed": closed.rss_kib},
        "cpu_share_while_held": round((after_hold.cpu_s - held.cpu_s) / max(args.hold, 1e-9), 4),
        "server_idle": quiet,
        "lines_pushed": pushed,
        "load_average": load_average(),
    }


async def measure(args: argparse.Namespace, target: Target) -> dict[str, Any]:
    """One run; the report as printed by --json."""
    if not target.accounts:
        raise SystemExit("error: no accounts: give --accounts and --password-file, or --ready")
    async with asyncio.timeout(args.max_seconds):
        if args.idle:
            return await measure_idle(args, target)
        return await measure_steps(args, target)


def main() -> int:
    args = parser().parse_args()
    try:
        report = uvloop.run(measure(args, target_of(args, DOORS)))
    except (OSError, TimeoutError, ExceptionGroup) as error:
        print(f"error: {error!r}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(report))
    else:
        for key, value in report.items():
            if key != "steps":
                print(f"{key:26} {value}")
    return 0 if report.get("alive_after_hold", args.idle) == args.idle else 1


if __name__ == "__main__":
    sys.exit(main())
