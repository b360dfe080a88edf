"""`posthouse filter serve`: the filter beside another mail server; a composition root without log and stores."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from posthouse.runtime.process import Process
    from posthouse.runtime.settings import Settings

EXIT_SETTINGS = 2


@click.command(
    epilog="""\b
Examples:
  posthouse filter serve --milter 127.0.0.1:11332 --http 127.0.0.1:11333
  posthouse filter serve --milter unix:/run/posthouse/milter.sock --config filter.toml
  curl --data-binary @message.eml 'http://127.0.0.1:11333/check?ip=192.0.2.7&helo=mail.example.net&from=a@example.net'

SIGTERM drains and exits 0; a second signal exits at once with 130."""
)
@click.option("--milter", metavar="HOST:PORT|unix:PATH", help="Listen there for an MTA (smtpd_milters of Postfix).")
@click.option("--http", metavar="HOST:PORT", help="Listen there for POST /check, probes and metrics.")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="POSTHOUSE_CONFIG",
    help="TOML file with the settings: [milter], [filter], [authentication], [attachments] and others.",
)
@click.option("--set", "overrides", multiple=True, metavar="SECTION.KEY=VALUE", help="Override a setting.")
@click.option(
    "--ready-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Written as JSON once the process can work, removed when it ends.",
)
@click.pass_context
def serve(
    ctx: click.Context,
    milter: str | None,
    http: str | None,
    config: Path | None,
    overrides: tuple[str, ...],
    ready_file: Path | None,
) -> None:
    """Answer another mail server: as a milter, and over HTTP. Needs no accounts, no log and no mailboxes.

    Mail gets Authentication-Results and X-Posthouse-Spam, or is refused or held as [milter] says. Probes and metrics
    are at the address of --http, or of [http] without it.
    """
    from posthouse.runtime.process import run_process
    from posthouse.runtime.settings import Problem, SettingsError
    from posthouse.runtime.settings_load import load

    if milter is None and http is None:
        raise click.UsageError("say --milter, --http or both")
    address = None if milter is None else _milter_address(milter)
    wanted = list(overrides)
    if http is not None:
        host, port = _host_and_port("--http", http)
        wanted += [f"http.host={host}", f"http.port={port}"]
    listeners: dict[str, Any] = {}

    async def build(process: Process) -> None:
        listeners["http"] = lambda: process.http.address
        await _compose(process, settings, address, listeners, check=http is not None)

    try:
        settings = load(_schema(), config, os.environ, wanted, ignore=_others())
        if _workers(settings) > 1:
            problem = Problem(
                "the filter serves in one process; filter.scorers says how many score", "lifecycle.workers"
            )
            raise SettingsError([problem])
        code = run_process(
            "filter-serve",
            settings,
            build,
            ready_file=ready_file,
            ready_info=lambda: {"listeners": {name: bound() for name, bound in listeners.items()}},
        )
    except SettingsError as error:
        for problem in error.problems:
            click.echo(f"posthouse filter serve: {problem}", err=True)
        code = EXIT_SETTINGS
    ctx.exit(code)


def _schema() -> Any:
    from posthouse.filter.beside.settings import MILTER
    from posthouse.filter.settings import FILTER
    from posthouse.ingress.authentication_settings import AUTHENTICATION
    from posthouse.ingress.content_settings import ATTACHMENTS, CLAMAV
    from posthouse.ingress.settings import SMTP
    from posthouse.runtime.evidence_sections import DNSLISTS
    from posthouse.runtime.sections import DNS, HTTP, LIFECYCLE, TELEMETRY
    from posthouse.runtime.settings import Schema

    own = (MILTER, FILTER, SMTP, AUTHENTICATION, ATTACHMENTS, CLAMAV, DNSLISTS)
    return Schema([*own, LIFECYCLE, HTTP, TELEMETRY, DNS])


def _others() -> frozenset[str]:
    """Sections of processes that one file may have besides."""
    from posthouse.composition.process import ALL_SECTION_NAMES

    return ALL_SECTION_NAMES


def _workers(settings: Settings) -> int:
    from posthouse.runtime.sections import LifecycleSettings

    return settings.section(LifecycleSettings).workers


async def _compose(
    process: Process, settings: Settings, address: str | None, listeners: dict[str, Any], *, check: bool
) -> None:
    """Picks the adapters: resolver, scorers, the doors."""
    from posthouse.composition.dns import add_resolver
    from posthouse.filter.beside.check import add_check
    from posthouse.filter.beside.judgement import BesideJudge
    from posthouse.filter.beside.milter import MilterServer
    from posthouse.filter.beside.settings import MilterSettings
    from posthouse.filter.scorers import LINE, ScorerPool
    from posthouse.filter.settings import FilterSettings
    from posthouse.ingress.authentication_settings import AuthenticationSettings
    from posthouse.ingress.content import make_content_checks
    from posthouse.ingress.content_settings import AttachmentSettings, ClamavSettings
    from posthouse.ingress.sender_authentication import SenderAuthentication
    from posthouse.ingress.settings import SmtpSettings
    from posthouse.mailauth.authres.ours import OurNames
    from posthouse.runtime.dns_lists import make_dns_lists
    from posthouse.runtime.evidence_sections import DnsListSettings
    from posthouse.spam.shipped import COLD_START

    own, smtp = settings.section(MilterSettings), settings.section(SmtpSettings)
    scoring = settings.section(FilterSettings)
    clock, metrics = process.clock, process.metrics
    hostname = smtp.own_hostname()
    resolver = add_resolver(process)
    looking = settings.section(AuthenticationSettings)
    authentication = (
        SenderAuthentication(resolver, clock, metrics, looking, hostname=hostname) if looking.enabled else None
    )
    lists = make_dns_lists(settings.section(DnsListSettings), resolver, clock, metrics)
    content = make_content_checks(
        settings.section(AttachmentSettings), settings.section(ClamavSettings), clock, metrics
    )
    scorers = ScorerPool(
        COLD_START if scoring.model is None else scoring.model,
        clock,
        metrics,
        processes=scoring.scorers,
        seconds=scoring.score_timeout,
        memory=scoring.score_memory,
    )
    judge = BesideJudge(
        own.policy(),
        clock,
        metrics,
        hostname=hostname,
        own_domains=own.own_domains(),
        held=own.held,
        on_error=own.on_error,
        deadline=own.deadline,
        authentication=authentication,
        lists=lists,
        content=content.checks,
        scorer=scorers,
        scoring=LINE // 2 * scoring.scorers,
        rules=None if own.rules is None else _rules(own.rules),
    )
    process.lifecycle.add(*([] if lists is None else [lists]), *content.components, scorers)
    if check:
        add_check(process.http, judge, metrics, own.token, max_size=own.max_size)
    if address is not None:
        door = MilterServer(
            address,
            judge,
            OurNames([hostname, *smtp.other_hostnames]),
            metrics,
            max_size=own.max_size,
            connections=own.connections,
            memory=own.memory,
            idle=own.idle,
        )
        process.lifecycle.add(door)
        listeners["milter"] = lambda: door.address


def _rules(path: Path) -> Any:
    """OSError where the file cannot be read or holds no rules: the process does not start without them."""
    from posthouse.model.errors import Invalid
    from posthouse.rules.compiled import compile_rules

    try:
        return compile_rules(path.read_text())
    except (Invalid, UnicodeDecodeError) as error:
        raise OSError(f"milter.rules: {getattr(error, 'public', error)}") from error


def _milter_address(text: str) -> str:
    if text.startswith("unix:"):
        if not text.removeprefix("unix:").startswith("/"):
            raise click.BadParameter("unix: wants a whole path", param_hint="--milter")
        return text
    host, port = _host_and_port("--milter", text.removeprefix("inet:"))
    return f"{host}:{port}"


def _host_and_port(option: str, text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise click.BadParameter(f"{text!r} is no HOST:PORT", param_hint=option)
    return host.removeprefix("[").removesuffix("]"), int(port)
