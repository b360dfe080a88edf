"""`make load-cluster`: Posthouse as separate processes over a real Kafka and a real Cassandra on this machine.

    python loadtests/cluster.py                       flat out over 64 accounts, then into one account
    python loadtests/cluster.py --soak 600            ten more minutes at a steady rate; memory of every process, as CSV

One process of each role, one broker, one node (`commitlog_sync: batch`), on the same cores as the generator: a floor.
The servers are those of the tests (tests/harness), installed on first use. Exit code 0 when everything sent is there
exactly once.
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from harness.posthouse_cluster import PosthouseCluster  # noqa: E402
from harness.servers import ServerSet  # noqa: E402

ROLES = {"mailstore": 1, "filter": 1, "delivery": 1, "mx": 1, "imap": 1}
ACCOUNTS = 64


def e2e(ready: Path, accounts: int, *more: str) -> bool:
    """Runs the generator and prints its figures; whether nothing was lost or doubled."""
    command = [sys.executable, str(HERE / "e2e.py"), "--ready", str(ready), "--accounts", str(accounts), *more]
    print(f"\n{' '.join(more)}, {accounts} accounts", flush=True)
    return subprocess.run(command, check=False).returncode == 0


async def ready_file(cluster: PosthouseCluster, folder: Path) -> Path:
    """What the generators read: processes, listeners, accounts."""
    people = await cluster.add_accounts(ACCOUNTS)
    mx, imap = cluster.mx_addresses()[0], cluster.imap_addresses()[0]
    ready = folder / "ready.json"
    ready.write_text(
        json.dumps(
            {
                "pid": [process.pid for process in cluster.processes.values()],
                "version": "cluster",
                "listeners": {"mx": f"{mx[0]}:{mx[1]}", "imap": f"{imap[0]}:{imap[1]}"},
                "accounts": [{"address": person.address, "password": person.password} for person in people],
            }
        )
    )
    return ready


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=4000, help="flat out over 64 accounts (default 4000)")
    parser.add_argument("--one-account", type=int, default=1500, help="flat out into one account (default 1500)")
    parser.add_argument("--soak", type=int, default=0, metavar="S", help="seconds at --soak-rate, memory once a second")
    parser.add_argument("--soak-rate", type=int, default=100, metavar="PER_S")
    parser.add_argument("--csv", type=Path, default=Path("cluster-memory.csv"), help="memory of every process")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="posthouse-load-"))
    servers = ServerSet(folder, {"kafka", "cassandra"})
    cluster: PosthouseCluster | None = None
    try:
        kafka, cassandra = servers.get("kafka"), servers.get("cassandra")
        cluster = PosthouseCluster(
            folder,
            kafka.bootstrap,
            cassandra.contact_points[0],
            cassandra.port,
            roles=ROLES,
            settings={"limits.connections_per_address": "5000", "telemetry.log_level": '"warning"'},
        )
        asyncio.run(cluster.start())
        ready = asyncio.run(ready_file(cluster, folder))
        e2e(ready, ACCOUNTS, "--messages", "600")  # a cold JVM is two to four times slower
        sound = e2e(ready, ACCOUNTS, "--messages", str(args.messages))
        sound &= e2e(ready, 1, "--messages", str(args.one_account))
        if args.soak:
            soak = ("--rate", str(args.soak_rate), "--duration", str(args.soak), "--max-seconds", str(args.soak + 120))
            sound &= e2e(ready, ACCOUNTS, *soak, "--rss-curve", str(args.csv))
        return 0 if sound else 1
    finally:
        if cluster is not None:
            cluster.stop()
            cluster.close()
        servers.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
