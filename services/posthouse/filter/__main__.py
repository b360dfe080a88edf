"""`posthouse filter`: the composition root."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence

from posthouse.composition.cluster import kafka_connection
from posthouse.composition.dns import add_resolver
from posthouse.composition.log_trim import LogTrim
from posthouse.composition.process import ClusterProcess, run_cluster_process
from posthouse.filter.external.settings import EXTERNAL
from posthouse.filter.judgement_steps import judgement_steps
from posthouse.filter.learning import make_learning
from posthouse.filter.outside_steps import outside_steps
from posthouse.filter.settings import FILTER, FilterSettings
from posthouse.filter.stage import make_filter
from posthouse.ingress.settings import SMTP, SmtpSettings
from posthouse.log.topics import FILTER as GROUP
from posthouse.runtime.dns_lists import make_dns_lists
from posthouse.runtime.evidence_sections import DNSLISTS, REPUTATION, DnsListSettings
from posthouse.runtime.sections import KafkaSettings, TelemetrySettings


async def build(process: ClusterProcess) -> None:
    own, adapters = process.process, process.adapters
    settings = own.settings.section(FilterSettings)
    instance = own.settings.section(TelemetrySettings).instance or platform.node()
    judgement = judgement_steps(
        settings,
        adapters.blobs,
        adapters.directory,
        adapters.learning,
        adapters.clock,
        own.metrics,
        authserv_id=own.settings.section(SmtpSettings).own_hostname(),
        models=adapters.models,
    )
    listing = own.settings.section(DnsListSettings)
    lists = make_dns_lists(listing, add_resolver(own) if listing.lists else None, adapters.clock, own.metrics)
    outside = outside_steps(
        own.settings,
        adapters.reputation,
        adapters.blobs,
        adapters.clock,
        own.metrics,
        lists=lists,
        writer=f"{instance}.{os.getpid()}",
    )
    stage = make_filter(
        adapters.log,
        adapters.clock,
        own.tracer,
        own.metrics,
        settings,
        steps=outside.around(judgement.steps),
        process=instance,
    )
    learning = make_learning(adapters.log, adapters, own.metrics, judgement.scorers, judgement.taught, process=instance)
    if lists is not None:
        own.lifecycle.add(lists)
    own.lifecycle.add(*outside.components, *judgement.components, learning, stage)
    connection = kafka_connection(own.settings.section(KafkaSettings))
    own.lifecycle.add(LogTrim(connection, adapters.log, adapters.clock, GROUP))


def main(argv: Sequence[str] | None = None) -> int:
    return run_cluster_process("filter", [FILTER, SMTP, DNSLISTS, REPUTATION, *EXTERNAL], build, argv)


if __name__ == "__main__":
    sys.exit(main())
