"""From SMTP to the mail client: when an accepted message is seen by IMAP, how many per second, at which cost, and
whether each arrived exactly once.

    python loadtests/e2e.py --ready READY --rate 50 --duration 20          latency at a quiet rate
    python loadtests/e2e.py --ready READY --messages 5000 --accounts 64    flat out
    python loadtests/e2e.py --ready READY --stored-curve 50000 --accounts 100 --curve-csv curve.csv

An IMAP session per account sits in IDLE (or, with --watch status, STATUS is polled after sending). The k-th accepted
message of an account is paired with the moment the account's EXISTS rose to its number before plus k. At the end every
account is read by FETCH and each Message-ID counted. Exit code 0 when all accepted are there once, 1 when not.
"""

import argparse
import asyncio
import json
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import uvloop

from imap_client import ImapConnection, ImapDoor
from measure import (
    ProcessTree,
    Usage,
    load_average,
    memory_curve,
    micros_per,
    percentile,
    settle,
    summarise,
    write_csv,
)
from message import MessageMaker
from sender import Pace, Sender, Sent
from smtp import mails
from smtp_client import Mail, SmtpDoor
from target import Account, Target, add_target_arguments, raise_file_limit, target_of

DOORS = ("mx", "imap", "imaps")
_LOGINS_AT_ONCE = 8
_MOST = 1_000_000


@dataclass(slots=True)
class Watched:
    """One account: what its INBOX held before, and when its count rose to what."""

    account: Account
    before: int = 0
    count: int = 0
    rises: list[tuple[float, int]] = field(default_factory=list)
    connection: ImapConnection | None = None

    def rose(self, count: int, at: float) -> int:
        """Note a new count; by how much it rose."""
        gained = count - self.count
        if gained > 0:
            self.count = count
            self.rises.append((at, count))
        return max(gained, 0)

    def seen_at(self, base: int, wanted: int) -> list[float]:
        """When the 1st, 2nd … `wanted`-th message after `base` became visible, as far as they did."""
        times: list[float] = []
        for at, count in self.rises:
            while base + len(times) < count and len(times) < wanted:
                times.append(at)
        return times


class Watch:
    """All accounts. `visible` counts messages seen beyond those that were there before."""

    def __init__(self, door: ImapDoor, accounts: Iterable[Account], *, idle: bool) -> None:
        self._door = door
        self._idle = idle
        self.watched = {account.address: Watched(account) for account in accounts}
        self.visible = 0
        self.last_at = 0.0
        self.on_visible: list[Any] = []
        self._awaited: int | None = None
        self._reached: asyncio.Future[None] | None = None

    async def open(self) -> None:
        """Log in to every account, note what its INBOX holds, enter IDLE. Raises ExceptionGroup of OSError."""
        gate = asyncio.Semaphore(_LOGINS_AT_ONCE)

        async def one(watched: Watched) -> None:
            async with gate:
                connection = await self._door.open(watched.account)
                watched.connection = connection
                if self._idle:
                    watched.before = watched.count = await connection.select("INBOX")
                    await connection.idle(lambda line, at: self._line(watched, line, at))
                else:
                    watched.before = watched.count = await connection.status_messages("INBOX")

        async with asyncio.TaskGroup() as tasks:
            for watched in self.watched.values():
                tasks.create_task(one(watched))

    def _line(self, watched: Watched, line: bytes, at: float) -> None:
        if line.endswith(b" EXISTS"):
            self._rose(watched, int(line.split(b" ", 2)[1]), at)

    def _rose(self, watched: Watched, count: int, at: float) -> None:
        gained = watched.rose(count, at)
        if gained:
            self.visible += gained
            self.last_at = at
            for hear in self.on_visible:
                hear(gained)
            if self._reached is not None and self._awaited is not None and self.visible >= self._awaited:
                reached, self._reached = self._reached, None
                reached.set_result(None)

    async def until(self, visible: int, limit_s: float) -> bool:
        """Wait until so many are visible in all; false when the limit ended first."""
        if not self._idle:
            return await self._poll(visible, limit_s)
        if self.visible < visible:
            self._awaited = visible
            self._reached = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(limit_s):
                    await self._reached
            except TimeoutError:
                self._reached = None
                return False
        return True

    async def _poll(self, visible: int, limit_s: float) -> bool:
        deadline = time.monotonic() + limit_s
        while True:
            for watched in self.watched.values():
                assert watched.connection is not None
                count = await watched.connection.status_messages("INBOX")
                self._rose(watched, count, time.monotonic())
            if self.visible >= visible or time.monotonic() > deadline:
                return self.visible >= visible
            await asyncio.sleep(0.25)

    async def close(self) -> None:
        """Log out of all; those in IDLE leave it by closing."""
        for watched in self.watched.values():
            if watched.connection is not None:
                watched.connection.close()
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Found:
    """The oracle's answer: every accepted (message, recipient) is to be found once."""

    expected: int
    found: int
    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    unconfirmed: int  # found though the 250 was never read: allowed, the connection was lost

    def as_dict(self) -> dict[str, Any]:
        return {
            "expected": self.expected,
            "found": self.found,
            "lost": len(self.lost),
            "doubled": len(self.doubled),
            "unconfirmed": self.unconfirmed,
            "examples": [*self.lost[:5], *self.doubled[:5]],
        }


def judge(expected: dict[str, set[int]], found: dict[str, Counter[int]]) -> Found:
    """Compare what was accepted per address with the message numbers read back per address."""
    lost = [f"{rcpt}:{n}" for rcpt, numbers in expected.items() for n in sorted(numbers - found[rcpt].keys())]
    doubled = [f"{rcpt}:{n}" for rcpt, times in found.items() for n, many in sorted(times.items()) if many > 1]
    unconfirmed = sum(len(times.keys() - expected.get(rcpt, set())) for rcpt, times in found.items())
    wanted = sum(len(numbers) for numbers in expected.values())
    return Found(wanted, sum(times.total() for times in found.values()), tuple(lost), tuple(doubled), unconfirmed)


async def read_back(door: ImapDoor, watch: Watch, maker: MessageMaker) -> dict[str, Counter[int]]:
    """Fetch the Message-ID of all that came since the start, in fresh sessions, and count each number of this run."""
    found: dict[str, Counter[int]] = {}
    for address, watched in watch.watched.items():
        connection = await door.open(watched.account)
        exists = await connection.select("INBOX")
        numbers: Counter[int] = Counter()
        if exists > watched.before:
            wanted = b"FETCH %d:* (BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])" % (watched.before + 1)
            answer = await connection.command(wanted)
            numbers.update(int(number) for number in maker.pattern().findall(answer.data))
        found[address] = numbers
        connection.close()
    return found


@dataclass(frozen=True, slots=True)
class Window:
    """One stretch of sending, until all of it was visible and the server idle."""

    sent: Sent
    visible_s: float  # first MAIL to last EXISTS
    all_visible: bool
    before: Usage
    after: Usage
    to_250_ms: dict[str, float]
    to_exists_ms: dict[str, float]
    from_mail_ms: dict[str, float]
    own_cpu_s: float  # the generator's, while it sent and watched

    @property
    def deliveries(self) -> int:
        return sum(len(mail.accepted) for mail in self.sent.accepted)


class Run:
    """The connections of one measurement."""

    def __init__(self, args: argparse.Namespace, target: Target) -> None:
        self._args = args
        self.tree = ProcessTree(target.pids)
        self.maker = MessageMaker("e" + secrets.token_hex(5), args.size)
        self.imap = ImapDoor(target.door("imaps" if args.tls_imap else "imap"), args.tls_imap)
        self.sender = Sender(SmtpDoor(target.door("mx")), args.connections)
        self.watch = Watch(self.imap, target.accounts, idle=args.watch == "idle")
        self.watch.on_visible.append(self.sender.seen)
        addresses = [account.address for account in target.accounts]
        self._supply = mails(self.maker, addresses, args.rcpts)
        self.expected: dict[str, set[int]] = {address: set() for address in addresses}

    async def open(self) -> None:
        await self.watch.open()
        await self.sender.open()
        await settle(self.tree, limit_s=self._args.settle)

    async def window(self, count: int, pace: Pace) -> Window:
        """Send so many and wait until they are visible."""
        args = self._args
        base = {address: watched.count for address, watched in self.watch.watched.items()}
        visible_before = self.watch.visible
        before = self.tree.usage()
        own = time.process_time()
        sent = await self.sender.send(islice(self._supply, count), count, pace)
        for mail in sent.accepted:
            for rcpt in mail.accepted:
                self.expected[rcpt].add(mail.number)
        deliveries = sum(len(mail.accepted) for mail in sent.accepted)
        reached = await self.watch.until(visible_before + deliveries, args.visible_timeout)
        own = time.process_time() - own
        await settle(self.tree, limit_s=args.settle)
        after = self.tree.usage()
        exists, whole = self._latencies(sent.accepted, base)
        return Window(
            sent,
            max(self.watch.last_at, sent.ended) - sent.began,
            reached,
            before,
            after,
            summarise([mail.replied - mail.started for mail in sent.accepted]).as_dict(),
            summarise(exists).as_dict(),
            summarise(whole).as_dict(),
            own,
        )

    def _latencies(self, accepted: list[Mail], base: dict[str, int]) -> tuple[list[float], list[float]]:
        """250 → EXISTS (0 when it was visible before the 250 was read) and MAIL → EXISTS, in seconds."""
        per_account: dict[str, list[Mail]] = {address: [] for address in base}
        for mail in accepted:  # in the order of their 250s
            for rcpt in mail.accepted:
                per_account[rcpt].append(mail)
        from_250: list[float] = []
        from_mail: list[float] = []
        for address, its in per_account.items():
            seen = self.watch.watched[address].seen_at(base[address], len(its))
            for mail, at in zip(its, seen, strict=False):  # shorter when some never became visible
                from_250.append(max(0.0, at - mail.replied))
                from_mail.append(at - mail.started)
        return from_250, from_mail

    async def verify(self) -> Found:
        """Read every account back and compare."""
        return judge(self.expected, await read_back(self.imap, self.watch, self.maker))

    async def close(self) -> None:
        self.sender.close()
        await self.watch.close()


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_target_arguments(made, DOORS)
    made.add_argument("--messages", type=int, help="how many in all (default 2000, or --rate × --duration)")
    made.add_argument("--rate", type=float, metavar="PER_S", help="open schedule instead of flat out")
    made.add_argument("--duration", type=float, default=20.0, metavar="S", help="with --rate (default 20)")
    made.add_argument("--connections", type=int, default=10, help="SMTP connections (default 10)")
    made.add_argument("--size", type=int, default=4096, help="octets per message (default 4096)")
    made.add_argument("--rcpts", type=int, default=1, help="recipients per message (default 1)")
    made.add_argument("--window", type=int, help="flat out: at most so many accepted and not yet visible")
    made.add_argument("--retries", type=int, default=400, help="tries again after a 4xx (default 400, every 0.25 s)")
    made.add_argument("--watch", choices=("idle", "status"), default="idle", help="how visibility is seen")
    made.add_argument("--tls-imap", action="store_true", help="watch over the imaps listener")
    made.add_argument("--warmup", type=int, default=0, help="messages sent and not measured first")
    made.add_argument("--stored-curve", type=int, metavar="N", help="cost per message while the store grows by N")
    made.add_argument("--step", type=int, default=2500, help="messages per point of the curve (default 2500)")
    made.add_argument("--curve-csv", metavar="CSV", help="the points of the curve")
    made.add_argument("--rss-curve", metavar="CSV", help="memory of the tree, once a second")
    made.add_argument("--max-seconds", type=float, default=300.0, help="stop sending after this, per window")
    made.add_argument("--visible-timeout", type=float, default=120.0, metavar="S", help="wait so long to see all")
    made.add_argument("--settle", type=float, default=30.0, metavar="S", help="wait at most so long for an idle server")
    made.add_argument("--json", action="store_true", help="print JSON only")
    return made


def _report(args: argparse.Namespace, window: Window, found: Found) -> dict[str, Any]:
    sent, deliveries = window.sent, window.deliveries
    cpu = window.after.cpu_s - window.before.cpu_s
    return {
        "scenario": "e2e",
        "size": args.size,
        "connections": args.connections,
        "accounts": found.expected and args.accounts_used,
        "rate": args.rate,
        "accepted": len(sent.accepted),
        "outcomes": dict(sent.outcomes),
        "deferrals": dict(sent.deferrals),
        "unsent": sent.unsent,
        "accepted_per_s": round(len(sent.accepted) / sent.seconds, 1),
        "visible_per_s": round(deliveries / window.visible_s, 1) if window.visible_s else 0.0,
        "all_visible": window.all_visible,
        "mail_to_250_ms": window.to_250_ms,
        "250_to_exists_ms": window.to_exists_ms,
        "mail_to_exists_ms": window.from_mail_ms,
        "behind_schedule_ms": summarise(sent.late_s).as_dict(),
        "server_cpu_us": micros_per(cpu, deliveries),
        "rss_kib": {"before": window.before.rss_kib, "after": window.after.rss_kib},
        "pss_kib": {"before": window.before.pss_kib, "after": window.after.pss_kib},
        "verify": found.as_dict(),
        "generator_cpu_us": micros_per(window.own_cpu_s, deliveries),
        "load_average": load_average(),
    }


async def measure(args: argparse.Namespace, target: Target) -> dict[str, Any]:
    """One run; the report as printed by --json."""
    if not target.accounts:
        raise SystemExit("error: no accounts: give --accounts and --password-file, or --ready")
    args.accounts_used = len(target.accounts)
    raise_file_limit(args.connections + len(target.accounts) + 64)
    run = Run(args, target)
    await run.open()
    pace = Pace(args.rate, args.max_seconds, args.window, args.retries)
    async with memory_curve(run.tree, args.rss_curve):
        if args.warmup:
            await run.window(args.warmup, Pace(retries=args.retries))
        if args.stored_curve:
            return await _curve(args, run, pace)
        count = args.messages or (int(args.rate * args.duration) if args.rate else 2000)
        window = await run.window(max(1, min(count, _MOST)), pace)
        found = await run.verify()
    await run.close()
    return _report(args, window, found)


async def _curve(args: argparse.Namespace, run: Run, pace: Pace) -> dict[str, Any]:
    """Windows of --step messages until --stored-curve are stored; their cost each, and last to first."""
    points: list[tuple[float, ...]] = []
    stored = 0
    outcomes: Counter[str] = Counter()
    all_visible = True
    while stored < min(args.stored_curve, _MOST) and all_visible:
        window = await run.window(args.step, pace)
        stored += window.deliveries
        outcomes.update(window.sent.outcomes)
        all_visible = window.all_visible and window.deliveries > 0
        cost = micros_per(window.after.cpu_s - window.before.cpu_s, window.deliveries)
        rate = round(window.deliveries / window.visible_s, 1)
        points.append((stored, cost, rate, window.after.rss_kib, window.after.pss_kib, window.to_exists_ms["p50"]))
        if not args.json:
            print(f"{stored:8} stored  {cost:8.0f} µs CPU each  {rate:8.1f}/s  {'#' * int(cost / 100)}", flush=True)
    if args.curve_csv:
        write_csv(args.curve_csv, ["stored", "cpu_us", "visible_per_s", "rss_kib", "pss_kib", "exists_p50_ms"], points)
    found = await run.verify()
    await run.close()
    return {
        "scenario": "stored-curve",
        "accounts": args.accounts_used,
        "stored": stored,
        "step": args.step,
        "outcomes": dict(outcomes),
        "all_visible": all_visible,
        "first_cpu_us": ends(points)[0],
        "last_cpu_us": ends(points)[1],
        "last_to_first": round(ends(points)[1] / ends(points)[0], 3) if ends(points)[0] else 0.0,
        "visible_per_s": {"first": points[0][2], "last": points[-1][2]},
        "pss_kib": {"first": points[0][4], "last": points[-1][4]},
        "points": points,
        "verify": found.as_dict(),
        "load_average": load_average(),
    }


def ends(points: list[tuple[float, ...]]) -> tuple[float, float]:
    """Median cost of the first and of the last three points: one noisy window does not decide."""
    costs = [point[1] for point in points]
    return percentile(sorted(costs[:3]), 50), percentile(sorted(costs[-3:]), 50)


def main() -> int:
    args = parser().parse_args()
    report = uvloop.run(measure(args, target_of(args, DOORS)))
    if args.json:
        print(json.dumps(report))
    else:
        for key, value in report.items():
            if key != "points":
                print(f"{key:26} {value}")
    verify = report["verify"]
    return 0 if report["all_visible"] and not verify["lost"] and not verify["doubled"] else 1


if __name__ == "__main__":
    sys.exit(main())
