"""`posthouse mailstore`: the composition root."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from posthouse.composition.process import ClusterProcess, run_cluster_process
from posthouse.mailstore.server import MailStoreServer
from posthouse.mailstore.settings import MAILSTORE, MailstoreSettings
from posthouse.runtime.sections import LifecycleSettings
from posthouse.telemetry.metric_names import WATCHES_REFUSED


async def build(process: ClusterProcess) -> None:
    settings = process.process.settings.section(MailstoreSettings)
    refused = process.process.metrics.counter(WATCHES_REFUSED)

    def watch_refused() -> None:
        refused.value += 1

    server = MailStoreServer(
        process.adapters.mail_store,
        settings.host,
        settings.port,
        grace=process.process.settings.section(LifecycleSettings).drain,
        max_watched=settings.watched_accounts,
        watch_refused=watch_refused,
    )
    process.process.lifecycle.add(server)
    process.listeners["grpc"] = lambda: server.address
    process.grpc = lambda: settings.advertise or server.address


def main(argv: Sequence[str] | None = None) -> int:
    return run_cluster_process("mailstore", [MAILSTORE], build, argv)


if __name__ == "__main__":
    sys.exit(main())
