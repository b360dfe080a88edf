"""A process of the cluster: its flags and settings, and the adapters that all of them open alike.

A `<process>/__main__.py` gives run_cluster_process its sections and a `build` that adds components; settings, logging,
tracing, probes, lifecycle and workers are runtime.process's.
"""

from __future__ import annotations

import argparse
import os
import ssl
import sys
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from posthouse.composition.account_sweep import AccountSweep
from posthouse.composition.adapters import Adapters, OpenAdapters
from posthouse.composition.announce import Announcer, DirectoryUpdates
from posthouse.composition.cluster import SECTIONS, open_cluster
from posthouse.composition.observed import count_statements, observed
from posthouse.composition.upkeep import Upkeep
from posthouse.runtime.process import Process, run_process
from posthouse.runtime.sections import DNS, HTTP, LIFECYCLE, LIMITS, TELEMETRY, TLS, HttpSettings, TlsSettings
from posthouse.runtime.session_routes import add_session_routes
from posthouse.runtime.sessions import Sessions
from posthouse.runtime.settings import Schema, Section, SettingsError
from posthouse.runtime.settings_load import load
from posthouse.runtime.tls import ServerTls, TlsWatch
from posthouse.store.account.owner import OwnedMailStore

EXIT_SETTINGS: Final = 2
COMMON: Final = (*SECTIONS, LIFECYCLE, HTTP, TELEMETRY, TLS, LIMITS, DNS)
ALL_SECTION_NAMES: Final = frozenset(
    {
        "data",
        "mx",
        "authentication",
        "dnslists",
        "reputation",
        "dmarcreports",
        "attachments",
        "clamav",
        "submission",
        "smtp",
        "filter",
        "rspamd",
        "spamassassin",
        "milter",
        "delivery",
        "mailstore",
        "imap",
        *(it.name for it in COMMON),
    }
)
"""One file serves a whole cluster: a process leaves the others' sections alone, `posthouse config check` reads all."""


@dataclass(slots=True)
class ClusterProcess:
    """What `build` gets."""

    process: Process
    adapters: Adapters
    sessions: Sessions
    listeners: dict[str, Callable[[], str]] = field(default_factory=dict)
    """Name → bound host:port, once started; told in the ready file."""
    grpc: Callable[[], str] = str
    """Where the mailstore service listens; empty elsewhere."""

    def tls(self) -> ssl.SSLContext | None:
        """The context of the configured certificate, renewed while the process runs; None where none is configured."""
        settings = self.process.settings.section(TlsSettings)
        if settings.cert is None or settings.key is None:
            return None
        tls = ServerTls(settings.cert, settings.key)
        watch = TlsWatch(tls, self.process.clock, settings.reload)
        self.process.lifecycle.add(watch)
        self.process.lifecycle.on_hangup(watch.look)
        return tls.context


Build = Callable[[ClusterProcess], Awaitable[None]]


def run_cluster_process(role: str, sections: Sequence[Section], build: Build, argv: Sequence[str] | None = None) -> int:
    """Parses flags, loads settings, runs until told to end; the exit code. `sections`: those beyond COMMON."""
    arguments = _parser(role).parse_args(argv)
    schema = Schema([*COMMON, *(it for it in sections if it not in COMMON)])
    overrides = list(arguments.set)
    if arguments.workers is not None:
        overrides.append(f"lifecycle.workers={arguments.workers}")
    process_id = f"{role}-{uuid.uuid4().hex[:12]}"
    listeners: dict[str, Callable[[], str]] = {}

    def ready_info() -> Mapping[str, object]:
        return {"process_id": process_id, "listeners": {name: address() for name, address in listeners.items()}}

    async def compose(process: Process) -> None:
        stack = AsyncExitStack()
        opened = open_cluster(process.settings, own_mail_store=role == "mailstore")
        cluster = await stack.enter_async_context(opened)
        process.lifecycle.add(OpenAdapters(stack), DirectoryUpdates(cluster.adapters.log, cluster.cache, process_id))
        listeners["http"] = lambda: process.http.address
        count_statements(cluster.database.statements, process.metrics)
        adapters = observed(cluster.adapters, process.metrics, process.tracer, commits=role == "mailstore")
        composed = ClusterProcess(process, adapters, Sessions(), listeners)
        if isinstance(cluster.adapters.mail_store, OwnedMailStore):
            owned, directory = cluster.adapters.mail_store, cluster.adapters.directory

            def own() -> str:
                """As announced; known once build() has made the service."""
                return composed.grpc()

            sweep = AccountSweep(owned, directory, process.clock, own)
            process.lifecycle.add(Upkeep(sweep, cluster.adapters.blobs, process.clock))
        token = process.settings.section(HttpSettings).control_token
        add_session_routes(process.http, composed.sessions, token, process_id)
        await build(composed)
        process.lifecycle.add(
            Announcer(process_id, role, cluster.adapters.directory, process.clock, process.http, composed.grpc)
        )

    try:
        settings = load(schema, arguments.config, os.environ, overrides, ignore=ALL_SECTION_NAMES)
        return run_process(role, settings, compose, ready_file=arguments.ready_file, ready_info=ready_info)
    except SettingsError as e:
        for problem in e.problems:
            print(f"posthouse {role}: {problem}", file=sys.stderr)
        return EXIT_SETTINGS


def _parser(role: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"posthouse {role}",
        description=f"Run the {role} process of a cluster. Settings: --config, then POSTHOUSE_* variables, then --set.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML file with the settings")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="override a setting")
    parser.add_argument("--workers", type=int, metavar="N", help="worker processes that share the listeners")
    parser.add_argument("--ready-file", type=Path, metavar="FILE", help="written as JSON once the process serves")
    return parser
