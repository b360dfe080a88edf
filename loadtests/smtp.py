"""Load on an SMTP listener: how many messages per second it accepts, how fast, at which cost.

    python loadtests/smtp.py --ready READY --connections 10 --messages 500
    python loadtests/smtp.py --mx 127.0.0.1:2525 --pid 4711 --accounts user%03d@example.org --count 64 --rate 200
    python loadtests/smtp.py --ready READY --burst 10000 --connections 50

Measures acceptance only (MAIL written to 250 read); whether the mail arrives is e2e.py's question.
Exit code 0 when every message got its 250, 1 when some did not, 2 for wrong usage.
"""

import argparse
import itertools
import json
import secrets
import sys
import time
from collections.abc import Iterator
from typing import Any

import uvloop

from measure import ProcessTree, load_average, memory_curve, micros_per, settle, summarise
from message import SENDER, MessageMaker
from sender import Pace, Sender
from smtp_client import Mail, SmtpDoor
from target import Target, add_target_arguments, raise_file_limit, target_of

DOORS = ("mx", "submission", "submissions")
_MOST = 2_000_000  # messages in one run, whatever is asked for


def mails(maker: MessageMaker, addresses: list[str], rcpts: int, sender: str | None = None) -> Iterator[Mail]:
    """Endless: `rcpts` recipients each, round-robin over the addresses."""
    around = itertools.cycle(addresses)
    for number in itertools.count():
        to = tuple(itertools.islice(around, rcpts))
        mail = Mail(number, to, maker.make(number, to[0], sender or SENDER))
        if sender is not None:
            mail.sender = sender
        yield mail


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_target_arguments(made, DOORS)
    made.add_argument("--door", choices=DOORS, default="mx", help="which listener (default mx)")
    made.add_argument("--connections", type=int, default=10, help="connections held open (default 10)")
    how_many = made.add_mutually_exclusive_group()
    how_many.add_argument("--messages", type=int, default=100, help="messages per connection (default 100)")
    how_many.add_argument("--burst", type=int, metavar="TOTAL", help="so many in all, flat out over the connections")
    made.add_argument("--rate", type=float, metavar="PER_S", help="open schedule of so many messages per second")
    made.add_argument("--duration", type=float, metavar="S", help="with --rate: how long (default: until --messages)")
    made.add_argument("--max-seconds", type=float, default=300.0, help="stop sending after this (default 300)")
    made.add_argument("--size", type=int, default=4096, help="octets per message, headers included (default 4096)")
    made.add_argument("--rcpts", type=int, default=1, help="recipients per message (default 1)")
    made.add_argument("--no-pipelining", action="store_true", help="one command per round trip")
    made.add_argument("--retries", type=int, default=0, help="tries again after a 4xx (default 0: count it)")
    made.add_argument("--tls", choices=("none", "starttls", "implicit"), default="none")
    made.add_argument("--auth", action="store_true", help="AUTH PLAIN as the accounts, each sending as itself")
    made.add_argument("--rss-curve", metavar="CSV", help="memory of the tree, once a second")
    made.add_argument("--settle", type=float, default=30.0, metavar="S", help="wait at most so long for an idle server")
    made.add_argument("--json", action="store_true", help="print JSON only")
    return made


def _total(args: argparse.Namespace) -> int:
    total: int
    if args.burst is not None:
        total = args.burst
    elif args.rate and args.duration:
        total = int(args.rate * args.duration)
    else:
        total = args.connections * args.messages
    return max(1, min(total, _MOST))


async def measure(args: argparse.Namespace, target: Target) -> dict[str, Any]:
    """One run; the report as printed by --json."""
    total = _total(args)
    if not target.accounts:
        raise SystemExit("error: no recipients: give --accounts or --ready")
    raise_file_limit(args.connections + 64)
    tree = ProcessTree(target.pids)
    maker = MessageMaker("s" + secrets.token_hex(5), args.size)
    door = SmtpDoor(target.door(args.door), args.tls, not args.no_pipelining)
    logins = target.accounts if args.auth else ()
    # a login may only send as itself, so with --auth one account sends all
    own = logins[0].address if logins else None
    sender = Sender(door, args.connections, logins[:1])
    await sender.open()
    supply = mails(maker, [account.address for account in target.accounts], args.rcpts, own)
    pace = Pace(args.rate, args.max_seconds, retries=args.retries)
    before, own_before = tree.usage(), time.process_time()
    async with memory_curve(tree, args.rss_curve):
        sent = await sender.send(supply, total, pace)
        own_cpu = time.process_time() - own_before
        receiving = tree.cpu_s() - before.cpu_s
        quiet = await settle(tree, limit_s=args.settle)
    after = tree.usage()
    sender.close()
    accepted = len(sent.accepted)
    return {
        "scenario": "smtp",
        "size": args.size,
        "connections": args.connections,
        "asked": total,
        "accepted": accepted,
        "unsent": sent.unsent,
        "outcomes": dict(sent.outcomes),
        "deferrals": dict(sent.deferrals),
        "refused_rcpts": dict(sent.refused_rcpts),
        "reconnected": sent.reconnected,
        "seconds": round(sent.seconds, 3),
        "accepted_per_s": round(accepted / sent.seconds, 1),
        "mail_to_250_ms": summarise([mail.replied - mail.started for mail in sent.accepted]).as_dict(),
        "behind_schedule_ms": summarise(sent.late_s).as_dict(),
        "server_cpu_us_receiving": micros_per(receiving, accepted),
        "server_cpu_us_until_idle": micros_per(after.cpu_s - before.cpu_s, accepted),
        "server_idle_at_end": quiet,
        "rss_kib": {"before": before.rss_kib, "after": after.rss_kib},
        "pss_kib": {"before": before.pss_kib, "after": after.pss_kib},
        "generator_cpu_us": micros_per(own_cpu, accepted),
        "load_average": load_average(),
    }


def main() -> int:
    args = parser().parse_args()
    report = uvloop.run(measure(args, target_of(args, DOORS)))
    if args.json:
        print(json.dumps(report))
    else:
        for key, value in report.items():
            print(f"{key:26} {value}")
    return 0 if report["accepted"] == report["asked"] and not report["refused_rcpts"] else 1


if __name__ == "__main__":
    sys.exit(main())
