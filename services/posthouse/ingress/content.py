"""What a message carries, found out before its 250: attachments by what they are, viruses by clamd.

    attachments ─▶ virus scan ─▶ findings, each with what the platform's policy asks for

The findings ride with the message and are never computed again. Mail that is only text costs one look at its header.
Looking through archives is work for a thread, a few at once; a scanner that does not answer makes the message wait
(451) or pass unscanned, as configured, and never loses it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Final, Protocol

from posthouse.attachments.inspect import attached, inspect_parts, may_have_attachments
from posthouse.attachments.limits import Limits
from posthouse.ingress.clamav import Clamd, ScanFailed
from posthouse.ingress.content_settings import AttachmentSettings, ClamavSettings
from posthouse.model.content import ContentFinding, ContentKind
from posthouse.model.errors import Unavailable
from posthouse.model.verdict import VerdictKind
from posthouse.ports.clock import Clock
from posthouse.telemetry.logging import EventLogger
from posthouse.telemetry.metric_names import ATTACHMENT_FINDINGS, CONTENT_SECONDS, VIRUS_SCANS
from posthouse.telemetry.metrics import Metrics

log = EventLogger("posthouse.ingress.content")

Asks = dict[ContentKind, VerdictKind]
AT_ONCE: Final = 262_144
"""Octets up to which the parts of a message are found on the spot; of a larger one in a thread."""
REFUSED_TO_USERS: Final = frozenset((VerdictKind.QUARANTINE, VerdictKind.REJECT))


class VirusScanner(Protocol):
    async def scan(self, octets: bytes) -> str:
        """The name of what was found, empty = clean. ingress.clamav.ScanFailed."""
        ...


class NotScanned(Unavailable):
    enhanced = "4.7.0"
    public = "Message could not be scanned for viruses, please try again later"


class ContentChecks:
    """`scanner` None = no virus scan."""

    def __init__(
        self,
        attachments: AttachmentSettings,
        clamav: ClamavSettings,
        scanner: VirusScanner | None,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._enabled = attachments.enabled
        self._asks = asks(attachments, clamav)
        self._limits = Limits(
            octets=attachments.unpacked,
            entries=attachments.entries,
            depth=attachments.depth,
            declared=attachments.declared,
        )
        self._clamav = clamav
        self._scanner = scanner
        self._room = asyncio.Semaphore(attachments.at_once)
        self._clock = clock
        self._metrics = metrics
        self._seconds = metrics.histogram(CONTENT_SECONDS)

    def idle(self, header: bytes) -> bool:
        """Whether there is nothing to do for a message with that header."""
        return self._scanner is None and not (self._enabled and may_have_attachments(header))

    async def look(self, header: bytes, octets: bytes) -> tuple[ContentFinding, ...]:
        """`octets`: the whole message, `header` included. NotScanned where the scanner fails and mail waits for it."""
        began = self._clock.monotonic()
        found: list[ContentFinding] = []
        if self._enabled and may_have_attachments(header):
            found.extend(await self._attachments(octets))
        if self._scanner is not None:
            virus = await self._scan(self._scanner, octets)
            if virus:
                found.append(ContentFinding(ContentKind.VIRUS, virus))
        for finding in found:
            self._metrics.counter(ATTACHMENT_FINDINGS, finding.kind.value).value += 1
        self._seconds.observe(self._clock.monotonic() - began)
        return tuple(replace(finding, asks=self._asks.get(finding.kind, VerdictKind.ACCEPT)) for finding in found)

    async def _attachments(self, octets: bytes) -> tuple[ContentFinding, ...]:
        try:
            parts = attached(octets) if len(octets) <= AT_ONCE else await asyncio.to_thread(attached, octets)
            if not parts:
                return ()
            async with self._room:
                return await asyncio.to_thread(inspect_parts, parts, self._limits)
        except Exception as error:  # foreign octets: one that breaks the looking is one that nobody has seen whole
            log.error("attachments could not be looked at", exc_info=error)
            return (ContentFinding(ContentKind.BOMB, detail="broke"),)

    async def _scan(self, scanner: VirusScanner, octets: bytes) -> str:
        if len(octets) > self._clamav.max_size:
            self._count("too_large")
            return ""
        try:
            virus = await scanner.scan(octets)
        except ScanFailed as error:
            self._count("failed")
            log.warning("virus scan failed", then=self._clamav.on_error, reason=str(error))
            if self._clamav.on_error == "defer":
                raise NotScanned(str(error)) from error
            return ""
        self._count("infected" if virus else "clean")
        return virus

    def _count(self, outcome: str) -> None:
        self._metrics.counter(VIRUS_SCANS, outcome).value += 1


def asks(attachments: AttachmentSettings, clamav: ClamavSettings) -> Asks:
    """What the settings want done about each kind; what is not named is evidence."""
    return {
        ContentKind.VIRUS: VerdictKind(clamav.on_infected),
        ContentKind.EXECUTABLE: VerdictKind(attachments.executable),
        ContentKind.DISK_IMAGE: VerdictKind(attachments.disk_image),
        ContentKind.SCRIPT: VerdictKind(attachments.script),
        ContentKind.ACTIVE_HTML: VerdictKind(attachments.active_html),
        ContentKind.MACRO: VerdictKind(attachments.macro),
        ContentKind.ENCRYPTED: VerdictKind(attachments.encrypted),
        ContentKind.BOMB: VerdictKind(attachments.bomb),
    }


@dataclass(frozen=True, slots=True)
class ContentParts:
    checks: ContentChecks | None
    """None = everything is off."""
    components: tuple[Clamd, ...]
    """To be listed before the servers."""


def make_content_checks(
    attachments: AttachmentSettings, clamav: ClamavSettings, clock: Clock, metrics: Metrics
) -> ContentParts:
    scanner = (
        Clamd(clamav.address, clock, timeout=clamav.timeout, connections=clamav.connections) if clamav.address else None
    )
    if scanner is None and not attachments.enabled:
        return ContentParts(None, ())
    checks = ContentChecks(attachments, clamav, scanner, clock, metrics)
    return ContentParts(checks, () if scanner is None else (scanner,))


def refused_to_a_user(findings: tuple[ContentFinding, ...]) -> tuple[str, ...]:
    """Why mail with a login is refused; empty = it is not. Its sender is there to be told, so nothing is held."""
    return tuple(dict.fromkeys(finding.reason for finding in findings if finding.asks in REFUSED_TO_USERS))
