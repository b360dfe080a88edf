"""`posthouse up`: the platform in one process, on embedded storage."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from posthouse.cli.platform import Platform
    from posthouse.runtime.process import Process
    from posthouse.runtime.settings import Settings

EXIT_FAILED = 1
EXIT_USAGE = 2
STANDARD_PORTS = {
    "mx.port": 25,
    "http.port": 80,
    "imap.port": 143,
    "submission.tls_port": 465,
    "submission.port": 587,
    "imap.tls_port": 993,
}
HOSTS = ("mx", "submission", "imap", "http")
DEMO_DOMAIN = "demo.test"


@click.command(
    epilog="""\b
Examples:
  posthouse up --demo                    a first look: two accounts, one message on its way
  posthouse up --data /var/lib/posthouse --port-base 0 --config posthouse.toml
  posthouse up --data $DIR --port-base 31000 --ready-file $DIR/ready.json --accounts 4 \\
      --insecure-loopback-auth           for scripts: FILE gets listeners and passwords as JSON

Ctrl-C or SIGTERM drains and exits 0; a second one exits at once with 130."""
)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Directory of the stores.")
@click.option(
    "--port-base",
    type=click.IntRange(0, 64_000),
    default=21_000,
    show_default=True,
    help="Added to each standard port (25, 80, 143, 465, 587, 993); 0 for the standard ports themselves.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address that every listener takes.")
@click.option("--ready-file", type=click.Path(path_type=Path, dir_okay=False), help="Written as JSON once mail flows.")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="TOML file of settings.")
@click.option("--set", "overrides", multiple=True, metavar="SECTION.KEY=VALUE", help="Override a setting.")
@click.option("--accounts", type=click.IntRange(0, 10_000), default=0, help="Make accounts user000@, user001@, … .")
@click.option("--domain", default=DEMO_DOMAIN, show_default=True, help="Domain of --demo and --accounts.")
@click.option("--demo", is_flag=True, help="Make alice@ and bob@, send a message, show how it travelled.")
@click.option(
    "--insecure-loopback-auth", is_flag=True, help="Allow AUTH and LOGIN without TLS, from loopback addresses only."
)
def up(
    data: Path | None,
    port_base: int,
    host: str,
    ready_file: Path | None,
    config: Path | None,
    overrides: tuple[str, ...],
    accounts: int,
    domain: str,
    demo: bool,
    insecure_loopback_auth: bool,
) -> None:
    """Run the whole platform in one process, on embedded storage.

    Receives on mx, takes mail from users on submission and submissions, serves imap and imaps; probes and metrics are
    on http. Everything is kept in --data and is there again at the next start.
    """
    from posthouse.cli.schema import schema
    from posthouse.runtime.settings import SettingsError
    from posthouse.runtime.settings_load import load

    defaults = [f"{key}={port_base + port}" for key, port in STANDARD_PORTS.items()]
    defaults += [f"{section}.host={host}" for section in HOSTS]
    if data is None and "POSTHOUSE_DATA" in os.environ:
        data = Path(os.environ["POSTHOUSE_DATA"])
    if data is not None:
        defaults.append(f"data.dir={data}")
    if demo:
        defaults.append("telemetry.log_level=warning")  # what people are to read is the demonstration
    if insecure_loopback_auth:
        defaults.append("imap.insecure_loopback_auth=true")
    try:
        settings = load(schema(), config, os.environ, [*defaults, *overrides])
    except SettingsError as e:
        for problem in e.problems:
            click.echo(f"posthouse up: {problem}", err=True)
        sys.exit(EXIT_USAGE)
    names = ["alice", "bob"] if demo else []
    names += [f"user{number:03d}" for number in range(accounts)]
    sys.exit(_run(settings, ready_file, domain, names, demo, insecure_loopback_auth))


def _run(settings: Settings, ready_file: Path | None, domain: str, names: list[str], demo: bool, insecure: bool) -> int:
    from posthouse.cli.accounts_for_up import AccountsForUp
    from posthouse.cli.demo import Demo
    from posthouse.cli.platform import compose
    from posthouse.runtime.process import run_process
    from posthouse.runtime.sections import DataSettings

    platforms: list[Platform] = []
    data = settings.section(DataSettings).dir
    if _locked(data):
        click.echo(
            f"posthouse up: {data} is in use by another Posthouse process; end that one, or name another --data",
            err=True,
        )
        return EXIT_FAILED

    problem = _in_the_way(settings, data, ready_file)
    if problem is not None:
        click.echo(f"posthouse up: {problem}", err=True)
        return EXIT_FAILED

    async def build(process: Process) -> None:
        platform = await compose(process, insecure_loopback_auth=insecure)
        platforms.append(platform)
        if names:
            process.lifecycle.add(AccountsForUp(platform, domain, names))
        if demo:
            process.lifecycle.add(Demo(platform, domain))

    return run_process("posthouse", settings, build, ready_file=ready_file, ready_info=lambda: platforms[0].described())  # noqa: PLW0108  made later


def _locked(data: Path) -> bool:
    import fcntl

    lock = data / "lock"
    if not lock.exists():
        return False
    descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _in_the_way(settings: Settings, data: Path, ready_file: Path | None) -> str | None:
    """What would make the start fail, in words. Only to be friendly: what happens between this look and the start is
    still an error of the start."""
    import socket

    from posthouse.imap.settings import ImapSettings
    from posthouse.mx.settings import MxSettings
    from posthouse.runtime.sections import HttpSettings
    from posthouse.submission.settings import SubmissionSettings

    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as e:
        return f"{data} cannot be made: {e.strerror}; name another directory with --data"
    if ready_file is not None and not ready_file.absolute().parent.is_dir():
        return f"there is no directory {ready_file.absolute().parent} for --ready-file"
    mx, submission = settings.section(MxSettings), settings.section(SubmissionSettings)
    imap, http = settings.section(ImapSettings), settings.section(HttpSettings)
    for name, host, port in (
        ("mx", mx.host, mx.port),
        ("submission", submission.host, submission.port),
        ("submissions", submission.host, submission.tls_port),
        ("imap", imap.host, imap.port),
        ("imaps", imap.host, imap.tls_port),
        ("http", http.host, http.port),
    ):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as e:
                return f"{name} cannot listen on {host}:{port}: {e.strerror}; choose other ports with --port-base"
    return None
