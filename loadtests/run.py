"""`make load` and `make load-peers`: start the servers, run every scenario on each in turn, print the table.

    python loadtests/run.py                       the embedded platform
    python loadtests/run.py --peers               Postfix and Dovecot beside it, scenario by scenario in the same run
    python loadtests/run.py --only latency,idle --quick
    python loadtests/run.py --peers-only          the peers alone

Each server keeps its data below a temporary folder, listens on loopback and is ended by its pid. Exit code 0 when all
scenarios ran, 1 when one failed or, with --strict, when a figure falls short of its bar, 2 for wrong usage.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import peers
from scenarios import SCENARIOS, Scenario
from table import notes, render

_HERE = Path(__file__).parent
_POSTHOUSE = (
    "{posthouse} up --data {data} --port-base {port} --ready-file {ready} --insecure-loopback-auth "
    "--set limits.connections_per_address=20000 --accounts {accounts} --domain example.org"
)
_PEERS = "{python} {here}/peers.py up --data {data} --port-base {port} --ready-file {ready} --accounts {accounts}"


class ServerFailed(RuntimeError):
    """A server did not start or ended by itself; the text holds the last lines it wrote."""


@dataclass(slots=True)
class Server:
    """One server process, started again and again on the same or on an empty store."""

    name: str
    command: str
    home: Path
    port: int
    accounts: int
    generation: int = 0
    passwords: dict[str, str] = field(default_factory=dict, repr=False)
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def ready_file(self) -> Path:
        """What the server itself writes."""
        return self.home / "ready.json"

    @property
    def target_file(self) -> Path:
        """The same for the generators, with the passwords that a server tells only when it makes the account."""
        return self.home / "target.json"

    def start(self, limit_s: float = 120.0) -> None:
        """Start and wait for the ready file. Raises ServerFailed."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o711)
        self.ready_file.unlink(missing_ok=True)
        values = {
            "posthouse": str(Path(sys.executable).with_name("posthouse")),
            "python": sys.executable,
            "here": str(_HERE),
            "data": str(self.home / f"data{self.generation}"),
            "port": str(self.port),
            "ready": str(self.ready_file),
            "accounts": str(self.accounts),
        }
        argv = [word.format(**values) for word in self.command.split()]
        with (self.home / "output").open("ab") as output:
            try:
                self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
            except OSError as error:
                raise ServerFailed(f"{self.name}: {error}") from error
        deadline = time.monotonic() + limit_s
        while not self.ready_file.exists():
            if self.process.poll() is not None:
                raise ServerFailed(f"{self.name} ended with {self.process.returncode}: {self._said()}")
            if time.monotonic() > deadline:
                self.stop()
                raise ServerFailed(f"{self.name} was not ready after {limit_s:.0f} s: {self._said()}")
            time.sleep(0.1)
        self._complete()

    def _complete(self) -> None:
        ready = json.loads(self.ready_file.read_text())
        for account in ready["accounts"]:
            if account["password"] is None:
                account["password"] = self.passwords.get(account["address"])
            else:
                self.passwords[account["address"]] = account["password"]
        peers.write_ready(self.target_file, ready)

    def stop(self, limit_s: float = 60.0) -> None:
        """SIGTERM and wait; SIGKILL if it does not end."""
        process, self.process = self.process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(limit_s)

    def restart(self, *, fresh: bool = False) -> None:
        """Stop and start, on an empty store if `fresh`."""
        self.stop()
        if fresh:
            shutil.rmtree(self.home / f"data{self.generation}", ignore_errors=True)
            self.generation += 1
            self.passwords.clear()
        self.start()

    def version(self) -> str:
        return str(json.loads(self.ready_file.read_text()).get("version", "?"))

    def _said(self) -> str:
        return (self.home / "output").read_text(errors="replace")[-2000:].strip()


def run_tool(tool: str, arguments: Sequence[str], ready: Path, limit_s: float) -> dict[str, Any]:
    """One generator's JSON report; {"error": …} when it gave none."""
    argv = [sys.executable, str(_HERE / tool), "--ready", str(ready), "--json", *arguments]
    try:
        ran = subprocess.run(argv, capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        return {"error": f"{tool} did not end within {limit_s:.0f} s"}
    # a report with losses comes with exit code 1 and is a report all the same
    lines = ran.stdout.strip().splitlines()
    if lines and lines[-1].startswith("{"):
        report: dict[str, Any] = json.loads(lines[-1])
        return report
    said = (ran.stderr.strip() or ran.stdout.strip()).splitlines()
    return {"error": said[-1] if said else f"{tool} ended with {ran.returncode}"}


def run_scenario(scenario: Scenario, server: Server, *, quick: bool, limit_s: float) -> dict[str, Any]:
    """One scenario on one server. Raises ServerFailed when the server does not come up again."""
    if scenario.fresh:
        server.restart(fresh=True)
    fill = scenario.quick_fill if quick else scenario.fill
    if fill:
        filled = run_tool(scenario.tool, fill, server.target_file, limit_s)
        if "error" in filled:
            return filled
        server.restart()  # so that "first" is without what filling left in memory
    return run_tool(scenario.tool, scenario.quick if quick else scenario.arguments, server.target_file, limit_s)


def machine() -> str:
    """What the figures were measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {system}"


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = made.add_mutually_exclusive_group()
    which.add_argument("--peers", action="store_true", help="Postfix and Dovecot too, if they are installed")
    which.add_argument("--peers-only", action="store_true", help="Postfix and Dovecot alone")
    made.add_argument("--only", help=f"comma list of: {', '.join(scenario.key for scenario in SCENARIOS)}")
    made.add_argument("--quick", action="store_true", help="a fifth of everything: for trying out, not for the record")
    made.add_argument("--json", type=Path, metavar="FILE", help="write the reports, for table.py")
    made.add_argument("--port-base", type=int, default=24000, help="100 ports from here (default 24000)")
    made.add_argument("--command", default=_POSTHOUSE, help=f"how the platform is started (default: {_POSTHOUSE})")
    made.add_argument("--data", type=Path, help="folder for the stores (default: a temporary one, removed at the end)")
    made.add_argument("--max-seconds", type=float, default=1200.0, help="limit of one scenario (default 1200)")
    made.add_argument("--strict", action="store_true", help="exit 1 when a figure falls short")
    return made


def _chosen(only: str | None) -> list[Scenario]:
    if only is None:
        return list(SCENARIOS)
    keys = only.split(",")
    unknown = set(keys) - {scenario.key for scenario in SCENARIOS}
    if unknown:
        raise SystemExit(f"error: no scenario {', '.join(sorted(unknown))}")
    return [scenario for scenario in SCENARIOS if scenario.key in keys]


def _servers(args: argparse.Namespace, home: Path) -> list[Server]:
    servers = []
    if not args.peers_only:
        servers.append(Server("posthouse", args.command, home / "posthouse", args.port_base, 100))
    if args.peers or args.peers_only:
        reason = peers.missing()
        if reason is not None:
            raise SystemExit(f"error: no peers here: {reason}")
        servers.append(Server("postfix+dovecot", _PEERS, home / "peers", args.port_base + 50, 100))
    return servers


def run(args: argparse.Namespace, home: Path) -> tuple[dict[str, dict[str, dict[str, Any]]], dict[str, str]]:
    """Every chosen scenario on every server, side by side; reports by server and scenario, versions by server."""
    servers = _servers(args, home)
    reports: dict[str, dict[str, dict[str, Any]]] = {server.name: {} for server in servers}
    versions: dict[str, str] = {}
    try:
        for server in servers:
            server.start()
            versions[server.name] = server.version()
        for scenario in _chosen(args.only):
            for server in servers:
                begun = time.monotonic()
                report = run_scenario(scenario, server, quick=args.quick, limit_s=args.max_seconds)
                reports[server.name][scenario.key] = report
                outcome = report.get("error", "done")
                print(f"{scenario.key:10} {server.name:16} {time.monotonic() - begun:6.1f} s  {outcome}", flush=True)
    finally:
        for server in servers:
            server.stop()
    return reports, versions


def main() -> int:
    args = parser().parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65536)), hard))  # inherited by servers and tools
    home = args.data or Path(tempfile.mkdtemp(prefix="posthouse-load-"))
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o711)
    try:
        reports, versions = run(args, home)
    except ServerFailed as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        if args.data is None:
            shutil.rmtree(home, ignore_errors=True)
    table = render(reports)
    heading = [machine(), *(f"{name}: {version}" for name, version in versions.items())]
    if args.quick:
        heading.append("QUICK run: counts are a fifth of what the titles say")
    print("\n".join(["", *heading, "", *table.lines, "", *notes(reports)]))
    if args.json:
        args.json.write_text(json.dumps({"machine": machine(), "versions": versions, "reports": reports}, indent=1))
    if table.short:
        print(f"\nshort of the bar or not measured: {'; '.join(table.short)}")
    failed = any("error" in report for by_key in reports.values() for report in by_key.values())
    return 1 if failed or (args.strict and table.short) else 0


if __name__ == "__main__":
    sys.exit(main())
