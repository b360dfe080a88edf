"""`posthouse doctor`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from posthouse.cli.desk import Desk
from posthouse.cli.exits import UNSOUND
from posthouse.cli.options import stores
from posthouse.cli.output import clean

if TYPE_CHECKING:
    from posthouse.cli.doctor.finding import Finding
    from posthouse.runtime.settings import Settings


@click.command(
    epilog="""\b
Examples:
  posthouse doctor
  posthouse doctor --data /var/lib/posthouse --port-base 0 --host 0.0.0.0
  posthouse doctor --config cluster.toml --json"""
)
@click.option(
    "--port-base",
    type=click.IntRange(0, 64_000),
    default=21_000,
    show_default=True,
    help="As of `posthouse up`: are those ports free?",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="As of `posthouse up`.")
@stores
def doctor(desk: Desk, port_base: int, host: str) -> None:
    """Check this machine, the stores and what is around them, and say what to fix.

    Embedded: interpreter, libraries, limits, clock, data directory, fsync, ports, certificate, directory. With the
    --config of a cluster: Kafka and its topics, Cassandra, its tables and its commit log, S3, live processes. Exits 4
    where something fails; warnings do not count.
    """
    found = desk.wait(_collect(desk, port_base, host))
    if desk.as_json:
        click.echo(json.dumps([asdict(finding) for finding in found], indent=2, ensure_ascii=False))
    else:
        width = max(len(finding.check) for finding in found)
        for finding in found:
            click.echo(f"{finding.state:<4}  {finding.check:<{width}}  {clean(finding.text)}")
            if finding.fix:
                click.echo(f"{'':<{width + 8}}→ {clean(finding.fix)}")
        failed, warned = (sum(finding.state == state for finding in found) for state in ("fail", "warn"))
        click.echo(f"\n{failed} to fix, {warned} to look at." if failed or warned else "\nAll is well.")
    if any(finding.state == "fail" for finding in found):
        click.get_current_context().exit(UNSOUND)


async def _collect(desk: Desk, port_base: int, host: str) -> list[Finding]:
    from posthouse.cli.doctor import machine

    settings, data = desk.place()
    own = None
    found = [machine.python(), machine.sqlite(), *machine.libraries(cluster=settings is not None)]
    found += [machine.open_files(), machine.clock()]
    if settings is None:
        own = desk.settings() if desk.config is not None else None
        found += [finding async for finding in _embedded(data, own, port_base, host)]
    else:
        from posthouse.cli.doctor.cluster import cluster

        found += [*_certificate(settings, None), *[finding async for finding in cluster(settings)]]
    asked = settings or own
    if asked is not None:
        from posthouse.cli.doctor.dns_lists import dns_lists

        found += await dns_lists(asked)
    return found


async def _embedded(data: Path, settings: Settings | None, port_base: int, host: str) -> AsyncIterator[Finding]:
    from posthouse.cli.desk import DATABASE
    from posthouse.cli.doctor import listeners
    from posthouse.cli.doctor.data_dir import data_dir
    from posthouse.cli.doctor.finding import fail, ok, warn
    from posthouse.model.errors import MailError

    for finding in data_dir(data):
        yield finding
    for finding in _certificate(settings, data):
        yield finding
    running: dict[str, object] = {}
    if (data / DATABASE).exists():
        own = Desk(data, None)
        try:
            running = (await own.answer("status", {}))["process"]
            wrong = await own.answer("directory.check", {})
        except MailError as error:
            yield fail("stores", error.public, "look into the log of the process that has them open")
            return
        for line in wrong:
            what, _, fix = line.partition(": ")
            yield warn("directory", what, fix)
        if not wrong:
            yield ok("directory", "every domain has postmaster@ and abuse@, every account its log")
    if running:
        yield ok("process", f"{running['pid']}, version {running['version']}")
        bound = running["listeners"]
        assert isinstance(bound, dict)
        for finding in listeners.answering(bound):
            yield finding
    else:
        for finding in listeners.free(host, port_base):
            yield finding


def _certificate(settings: Settings | None, data: Path | None) -> list[Finding]:
    import datetime

    from posthouse.cli.doctor.certificates import certificate
    from posthouse.cli.doctor.finding import ok, warn
    from posthouse.ingress.settings import SmtpSettings
    from posthouse.runtime.sections import TlsSettings

    now = datetime.datetime.now(datetime.UTC)
    if settings is not None:
        tls = settings.section(TlsSettings)
        if tls.cert is not None and tls.key is not None:
            return list(certificate(tls.cert, tls.key, settings.section(SmtpSettings).hostname, now))
    if data is None:
        return [warn("certificate", "none is set: mx and submission offer no TLS", "set tls.cert and tls.key")]
    cert, key = data / "selfsigned.crt", data / "selfsigned.key"
    if not cert.exists():
        return [ok("certificate", "a self-signed one will be made at the first start")]
    # It names this machine and loopback; what clients of elsewhere would connect to, it cannot vouch for anyway.
    return list(certificate(cert, key, None, now))
