"""`posthouse submission`: the composition root."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from posthouse.composition.process import ClusterProcess, run_cluster_process
from posthouse.ingress.content import make_content_checks
from posthouse.ingress.content_settings import ATTACHMENTS, CLAMAV, AttachmentSettings, ClamavSettings
from posthouse.ingress.parts import IngressPorts
from posthouse.ingress.settings import SMTP, SmtpSettings
from posthouse.runtime.authentication import Authenticator
from posthouse.runtime.sections import LimitsSettings
from posthouse.submission.server import make_submission
from posthouse.submission.settings import SUBMISSION, SubmissionSettings


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
    )
    gate = ports.backpressure(smtp)
    content = make_content_checks(
        settings.section(AttachmentSettings), settings.section(ClamavSettings), adapters.clock, process.process.metrics
    )
    authenticator = Authenticator(adapters.directory, adapters.clock, adapters.ids.token(32))
    submission = make_submission(
        ports,
        gate,
        authenticator,
        process.sessions,
        settings.section(SubmissionSettings),
        smtp,
        settings.section(LimitsSettings),
        content=content.checks,
        tls=process.tls(),
        reuse_port=process.process.reuse_port,
    )
    lifecycle.add(*content.components, gate, authenticator, *submission.components())
    process.listeners["submission"] = lambda: submission.listener.address
    tls_listener = submission.tls_listener
    if tls_listener is not None:
        process.listeners["submissions"] = lambda: tls_listener.address


def main(argv: Sequence[str] | None = None) -> int:
    return run_cluster_process("submission", [SMTP, SUBMISSION, ATTACHMENTS, CLAMAV], build, argv)


if __name__ == "__main__":
    sys.exit(main())
