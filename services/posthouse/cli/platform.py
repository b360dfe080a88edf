"""The whole platform in one process, on embedded storage: the composition root of `posthouse up`.

The same parts as in the cluster, with the embedded adapters, in one event loop. Order of start: stores, upkeep, stages
from the back of the road to its front, listeners last; of drain: the reverse, so that what was accepted is delivered.
"""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from posthouse.admin.context import AdminContext
from posthouse.admin.sessions import LocalSessions
from posthouse.cli.control_server import ControlServer
from posthouse.composition.adapters import OpenAdapters
from posthouse.composition.dns import add_resolver
from posthouse.composition.embedded import Embedded, open_embedded
from posthouse.composition.observed import observed
from posthouse.composition.upkeep import Upkeep
from posthouse.delivery.pipeline import DeliveryPorts
from posthouse.delivery.settings import DeliverySettings
from posthouse.delivery.stage import make_delivery
from posthouse.filter.judgement_steps import judgement_steps
from posthouse.filter.learning import make_learning
from posthouse.filter.outside_steps import outside_steps
from posthouse.filter.settings import FilterSettings
from posthouse.filter.stage import make_filter
from posthouse.held.mail import HeldMail
from posthouse.held.upkeep import QuarantineUpkeep
from posthouse.imap.parts import make_imap
from posthouse.imap.settings import ImapSettings
from posthouse.ingress.authentication_settings import AuthenticationSettings
from posthouse.ingress.content import make_content_checks
from posthouse.ingress.content_settings import AttachmentSettings, ClamavSettings
from posthouse.ingress.parts import IngressPorts
from posthouse.ingress.server import SmtpServer
from posthouse.ingress.settings import SmtpSettings
from posthouse.ledger.audit import Audit
from posthouse.ledger.watch import LedgerWatch
from posthouse.mx.dmarc_counts import make_dmarc_counts
from posthouse.mx.server import make_mx
from posthouse.mx.settings import MxSettings
from posthouse.runtime.authentication import Authenticator
from posthouse.runtime.dns_lists import make_dns_lists
from posthouse.runtime.evidence_sections import DmarcReportSettings, DnsListSettings
from posthouse.runtime.process import Process
from posthouse.runtime.sections import DataSettings, LimitsSettings, TlsSettings
from posthouse.runtime.sessions import Sessions
from posthouse.runtime.tls import ServerTls, TlsWatch, self_signed
from posthouse.submission.server import make_submission
from posthouse.submission.settings import SubmissionSettings

CROWD_PASSES = 0.1
"""Seconds. Between two group commits nobody waits for a moment; the crowd is still there."""


@dataclass(slots=True)
class Platform:
    """What `up` holds of the running platform."""

    process: Process
    embedded: Embedded
    admin: AdminContext
    held: HeldMail
    listeners: dict[str, Callable[[], str]] = field(default_factory=dict)
    accounts: list[dict[str, str | None]] = field(default_factory=list)

    def described(self) -> Mapping[str, object]:
        """For the ready file and for `posthouse doctor`."""
        return {"listeners": {name: address() for name, address in self.listeners.items()}, "accounts": self.accounts}


async def compose(process: Process, *, insecure_loopback_auth: bool) -> Platform:
    """Opens the data directory and adds every part to the lifecycle. Raises engines.sqlite.DataDirectoryLocked."""
    settings, life = process.settings, process.lifecycle
    data = settings.section(DataSettings).dir
    stack = AsyncExitStack()
    embedded = await stack.enter_async_context(open_embedded(data))
    adapters = observed(embedded.adapters, process.metrics, process.tracer, commits=True)
    life.add(OpenAdapters(stack))
    tls = _tls(process, data)
    sessions = Sessions()
    smtp, limits = settings.section(SmtpSettings), settings.section(LimitsSettings)
    ports = IngressPorts(
        log=adapters.log,
        blobs=adapters.blobs,
        directory=adapters.directory,
        mail_store=adapters.mail_store,
        clock=adapters.clock,
        ids=adapters.ids,
        tracer=process.tracer,
        metrics=process.metrics,
        resolver=add_resolver(process),
    )
    authenticator = Authenticator(adapters.directory, adapters.clock, adapters.ids.token(32))
    gate = ports.backpressure(smtp)
    delivery_ports = DeliveryPorts(
        adapters.mail_store,
        adapters.blobs,
        adapters.directory,
        adapters.clock,
        adapters.ids,
        process.tracer,
        process.metrics,
    )
    doors: list[SmtpServer] = []

    def crowded() -> bool:
        """One processor for all stages: while a crowd is at the door, it is let in first and served then."""
        since = adapters.clock.monotonic() - CROWD_PASSES
        return any(door.acceptance.crowded_at > since for door in doors)

    delivery = make_delivery(adapters.log, delivery_ports, settings.section(DeliverySettings), crowded=crowded)
    judgement = judgement_steps(
        settings.section(FilterSettings),
        adapters.blobs,
        adapters.directory,
        adapters.learning,
        adapters.clock,
        process.metrics,
        authserv_id=smtp.own_hostname(),
        models=adapters.models,
    )
    clock = adapters.clock
    lists = make_dns_lists(settings.section(DnsListSettings), ports.resolver, clock, process.metrics)
    dmarc = make_dmarc_counts(settings.section(DmarcReportSettings), adapters.reputation, clock, adapters.ids)
    outside = outside_steps(
        settings, adapters.reputation, adapters.blobs, clock, process.metrics, lists=lists, writer=process.name
    )
    filtering = make_filter(
        adapters.log,
        adapters.clock,
        process.tracer,
        process.metrics,
        settings.section(FilterSettings),
        steps=outside.around(judgement.steps),
        crowded=crowded,
    )
    learning = make_learning(adapters.log, adapters, process.metrics, judgement.scorers, judgement.taught)
    content = make_content_checks(
        settings.section(AttachmentSettings), settings.section(ClamavSettings), adapters.clock, process.metrics
    )
    submission = make_submission(
        ports,
        gate,
        authenticator,
        sessions,
        settings.section(SubmissionSettings),
        smtp,
        limits,
        content=content.checks,
        tls=tls,
        insecure_loopback_auth=insecure_loopback_auth,
    )
    mx = make_mx(
        ports,
        gate,
        settings.section(MxSettings),
        smtp,
        limits,
        settings.section(AuthenticationSettings),
        content=content.checks,
        lists=lists,
        dmarc=dmarc,
        tls=tls,
    )
    doors += [mx.server, submission.submission]
    if submission.submissions is not None:
        doors.append(submission.submissions)
    imap = make_imap(
        adapters,
        authenticator,
        sessions,
        settings.section(ImapSettings),
        limits,
        metrics=process.metrics,
        tracer=process.tracer,
        tls=tls,
    )
    held = HeldMail(adapters.mail_store, adapters.blobs, adapters.log, adapters.clock, adapters.ids)
    platform: Platform

    def about() -> Mapping[str, object]:
        return platform.described()

    admin = AdminContext.of(adapters, LocalSessions(sessions, process.name), about)
    platform = Platform(process, embedded, admin, held)
    platform.listeners = {
        "mx": lambda: mx.listener.address,
        "submission": lambda: submission.listener.address,
        "imap": lambda: imap.listener.address,
        "http": lambda: process.http.address,
    }
    if submission.tls_listener is not None:
        submissions = submission.tls_listener
        platform.listeners["submissions"] = lambda: submissions.address
    if imap.tls_listener is not None:
        imaps = imap.tls_listener
        platform.listeners["imaps"] = lambda: imaps.address
    life.add(
        Upkeep(embedded.mail_store, adapters.blobs, adapters.clock),
        LedgerWatch(Audit(adapters.log, adapters.mail_store, held), adapters.clock, process.metrics),
        QuarantineUpkeep(
            held,
            adapters.directory,
            adapters.mail_store,
            adapters.log,
            adapters.clock,
            keep=settings.section(DeliverySettings).quarantine_keep,
        ),
        ControlServer(data / "control.sock", admin),
        authenticator,
        *[each for each in (lists, dmarc) if each is not None],
        *outside.components,
        delivery,
        *judgement.components,
        learning,
        filtering,
        *content.components,
        gate,
        *imap.components(),
        *submission.components(),
        *mx.components(),
    )
    return platform


def _tls(process: Process, data: Path) -> ssl.SSLContext:
    """The configured certificate, or a self-signed one that is made and kept in the data directory."""
    settings = process.settings.section(TlsSettings)
    if settings.cert is not None and settings.key is not None:
        tls = ServerTls(settings.cert, settings.key)
    else:
        now = datetime.datetime.now(datetime.UTC)
        tls = ServerTls(*self_signed(data, now=now))
    watch = TlsWatch(tls, process.clock, settings.reload)
    process.lifecycle.add(watch)
    process.lifecycle.on_hangup(watch.look)
    return tls.context
