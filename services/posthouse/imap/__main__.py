"""`posthouse imap`: the composition root."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence

from posthouse.composition.process import ClusterProcess, run_cluster_process
from posthouse.imap.parts import make_imap
from posthouse.imap.settings import IMAP, ImapSettings
from posthouse.runtime.authentication import Authenticator
from posthouse.runtime.sections import LimitsSettings, TelemetrySettings

TRACE_PUSHES_FROM = 0.5
"""Share of sampled traces from which a push looks its message's trace up: below, most look-ups would be for nothing."""


async def build(process: ClusterProcess) -> None:
    own, adapters = process.process, process.adapters
    telemetry = own.settings.section(TelemetrySettings)
    authenticator = Authenticator(adapters.directory, adapters.clock, adapters.ids.token(32))
    imap = make_imap(
        adapters,
        authenticator,
        process.sessions,
        own.settings.section(ImapSettings),
        own.settings.section(LimitsSettings),
        metrics=own.metrics,
        tracer=own.tracer,
        tls=process.tls(),
        reuse_port=own.reuse_port,
        trace_pushes=telemetry.trace_ratio >= TRACE_PUSHES_FROM,
        process=telemetry.instance or platform.node(),
    )
    own.lifecycle.add(authenticator, *imap.components())
    process.listeners["imap"] = lambda: imap.listener.address
    tls_listener = imap.tls_listener
    if tls_listener is not None:
        process.listeners["imaps"] = lambda: tls_listener.address


def main(argv: Sequence[str] | None = None) -> int:
    return run_cluster_process("imap", [IMAP], build, argv)


if __name__ == "__main__":
    sys.exit(main())
