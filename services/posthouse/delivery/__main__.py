"""`posthouse delivery`: the composition root."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence

from posthouse.composition.cluster import kafka_connection
from posthouse.composition.log_trim import LogTrim
from posthouse.composition.process import ClusterProcess, run_cluster_process
from posthouse.delivery.pipeline import DeliveryPorts
from posthouse.delivery.settings import DELIVERY, DeliverySettings
from posthouse.delivery.stage import make_delivery
from posthouse.held.mail import HeldMail
from posthouse.held.upkeep import QuarantineUpkeep
from posthouse.ledger.audit import Audit
from posthouse.ledger.watch import LedgerWatch
from posthouse.log.topics import DELIVERY as GROUP
from posthouse.runtime.sections import KafkaSettings, TelemetrySettings


async def build(process: ClusterProcess) -> None:
    own, adapters = process.process, process.adapters
    ports = DeliveryPorts(
        adapters.mail_store,
        adapters.blobs,
        adapters.directory,
        adapters.clock,
        adapters.ids,
        own.tracer,
        own.metrics,
    )
    settings = own.settings.section(DeliverySettings)
    instance = own.settings.section(TelemetrySettings).instance or platform.node()
    own.lifecycle.add(make_delivery(adapters.log, ports, settings, process=instance))
    connection = kafka_connection(own.settings.section(KafkaSettings))
    own.lifecycle.add(LogTrim(connection, adapters.log, adapters.clock, GROUP))
    held = HeldMail(adapters.mail_store, adapters.blobs, adapters.log, adapters.clock, adapters.ids)
    own.lifecycle.add(
        QuarantineUpkeep(
            held,
            adapters.directory,
            adapters.mail_store,
            adapters.log,
            adapters.clock,
            keep=settings.quarantine_keep,
        )
    )
    # Each delivery process looks for itself: an alarm that one lucky process raises is an alarm that may be missed.
    own.lifecycle.add(LedgerWatch(Audit(adapters.log, adapters.mail_store, held), adapters.clock, own.metrics))


def main(argv: Sequence[str] | None = None) -> int:
    return run_cluster_process("delivery", [DELIVERY], build, argv)


if __name__ == "__main__":
    sys.exit(main())
