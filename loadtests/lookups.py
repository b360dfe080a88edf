"""What a look-up costs: µs of CPU in the asking process, beside dnspython's own resolver, over one Unbound.

    python loadtests/lookups.py [--repeat 3] [--queries 3000]

Names never asked before (one by one, and 20 at a time), and one name again and again. CPU time of this process,
best of the repeats; Unbound's is not in it. Bar: a cached look-up at most 15 µs.
"""

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "tests"))

import dns.asyncresolver
import dns.resolver

from harness.unbound import Unbound
from posthouse.dns.budget import BudgetedResolver
from posthouse.dns.resolver import CachingResolver
from posthouse.dns.upstreams import Upstream
from posthouse.runtime.system import SystemClock

BAR = 15.0
"""µs of a cached look-up."""
TOGETHER = 20
AGAIN = 20_000
ZONE = "plain.test"
Ask = Callable[[str], Awaitable[Any]]


async def uncached(ask: Ask, queries: int, together: int) -> float:
    """µs of CPU per look-up of a new name."""
    names = [f"{secrets.token_hex(6)}.{ZONE}" for _ in range(queries)]
    started = time.process_time()
    for at in range(0, queries, together):
        await asyncio.gather(*(ask(name) for name in names[at : at + together]))
    return (time.process_time() - started) / queries * 1e6


async def cached(ask: Ask) -> float:
    """µs of CPU per look-up of a known name."""
    await ask(f"known.{ZONE}")
    started = time.process_time()
    for _ in range(AGAIN):
        await ask(f"known.{ZONE}")
    return (time.process_time() - started) / AGAIN * 1e6


async def measure(port: int, queries: int) -> dict[str, dict[str, float]]:
    """By what is measured and who is."""
    resolver = CachingResolver(SystemClock(), secrets.token_bytes, [Upstream("127.0.0.1", port)])
    budget = BudgetedResolver(resolver, SystemClock(), seconds=3600, lookups=1 << 40)
    other = dns.asyncresolver.Resolver(configure=False)
    other.nameservers, other.port = ["127.0.0.1"], port

    def ours(name: str) -> Awaitable[Any]:
        return resolver.lookup(name, "A")

    def budgeted(name: str) -> Awaitable[Any]:
        return budget.lookup(name, "A")

    def dnspython(name: str) -> Awaitable[Any]:
        return other.resolve(name, "A")

    try:
        found: dict[str, dict[str, float]] = {}
        for label, together in (("new names, one by one", 1), (f"new names, {TOGETHER} at a time", TOGETHER)):
            found[label] = {
                "posthouse": await uncached(ours, queries, together),
                "dnspython": await uncached(dnspython, queries, together),
            }
        other.cache = dns.resolver.LRUCache()
        found["a known name"] = {"posthouse": await cached(ours), "dnspython": await cached(dnspython)}
        found["a known name, with a message's budget"] = {"posthouse": await cached(budgeted)}
        return found
    finally:
        await resolver.close()


def main() -> int:
    """0, or 1 where the bar is missed."""
    parser = argparse.ArgumentParser(description="Measure DNS look-ups.")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--queries", type=int, default=3000)
    arguments = parser.parse_args()
    best: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="posthouse-dns-") as folder:
        server = Unbound(Path(folder), {ZONE: "* A 192.0.2.1\n"})
        server.start()
        try:
            for _ in range(arguments.repeat):
                for label, figures in asyncio.run(measure(server.port, arguments.queries)).items():
                    kept = best.setdefault(label, figures)
                    best[label] = {who: min(kept[who], figure) for who, figure in figures.items()}
        finally:
            server.close()
    for label, figures in best.items():
        print(f"{label:40}" + "".join(f"{who} {figure:7.1f} µs   " for who, figure in figures.items()))
    return int(best["a known name"]["posthouse"] > BAR)


if __name__ == "__main__":
    sys.exit(main())
