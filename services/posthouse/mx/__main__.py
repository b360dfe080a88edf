"""`posthouse mx`: the composition root."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from posthouse.composition.dns import add_resolver
from posthouse.composition.process import ClusterProcess, run_cluster_process
from posthouse.ingress.authentication_settings import AUTHENTICATION, AuthenticationSettings
from posthouse.ingress.content import make_content_checks
from posthouse.ingress.content_settings import ATTACHMENTS, CLAMAV, AttachmentSettings, ClamavSettings
from posthouse.ingress.parts import IngressPorts
from posthouse.ingress.settings import SMTP, SmtpSettings
from posthouse.mx.dmarc_counts import make_dmarc_counts
from posthouse.mx.server import make_mx
from posthouse.mx.settings import MX, MxSettings
from posthouse.runtime.dns_lists import make_dns_lists
from posthouse.runtime.evidence_sections import DMARCREPORTS, DNSLISTS, DmarcReportSettings, DnsListSettings
from posthouse.runtime.sections import LimitsSettings


async def build(process: ClusterProcess) -> None:
    settings, lifecycle = process.process.settings, process.process.lifecycle
    smtp = settings.section(SmtpSettings)
    adapters = process.adapters
    ports = IngressPorts(
        log=adapters.log,
        blobs=adapters.blobs,
        directory=adapters.directory,
        mail_store=adapters.mail_store,
        clock=adapters.clock,
        ids=adapters.ids,
        tracer=process.process.tracer,
        metrics=process.process.metrics,
        resolver=add_resolver(process.process),
    )
    gate = ports.backpressure(smtp)
    content = make_content_checks(
        settings.section(AttachmentSettings), settings.section(ClamavSettings), adapters.clock, process.process.metrics
    )
    lists = make_dns_lists(settings.section(DnsListSettings), ports.resolver, adapters.clock, ports.metrics)
    dmarc = make_dmarc_counts(settings.section(DmarcReportSettings), adapters.reputation, adapters.clock, adapters.ids)
    mx = make_mx(
        ports,
        gate,
        settings.section(MxSettings),
        smtp,
        settings.section(LimitsSettings),
        settings.section(AuthenticationSettings),
        content=content.checks,
        lists=lists,
        dmarc=dmarc,
        tls=process.tls(),
        reuse_port=process.process.reuse_port,
    )
    lifecycle.add(*[each for each in (lists, dmarc) if each is not None])
    lifecycle.add(*content.components, gate, *mx.components())
    process.listeners["mx"] = lambda: mx.listener.address


def main(argv: Sequence[str] | None = None) -> int:
    return run_cluster_process(
        "mx", [SMTP, MX, AUTHENTICATION, ATTACHMENTS, CLAMAV, DNSLISTS, DMARCREPORTS], build, argv
    )


if __name__ == "__main__":
    sys.exit(main())
