"""Settings of mx."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from posthouse.ingress.content_settings import AttachmentSettings, ClamavSettings
from posthouse.ingress.proxied import networks
from posthouse.ingress.settings import SmtpSettings
from posthouse.runtime.sections import (
    BlobSettings,
    CassandraSettings,
    HttpSettings,
    KafkaSettings,
    LifecycleSettings,
    LimitsSettings,
    S3Settings,
    TelemetrySettings,
    TlsSettings,
)
from posthouse.runtime.settings import Duration, Section, setting


@dataclass(frozen=True, slots=True)
class MxSettings:
    """The SMTP server that receives mail from other servers."""

    host: str = setting(
        "0.0.0.0",
        "Address to listen on; `::` listens on IPv6 as well.",
        why="Mail comes from everywhere; `posthouse up` listens on loopback.",
    )
    port: int = setting(25, "TCP port.", why="The port of SMTP between servers.", least=0, most=65535)


@dataclass(frozen=True, slots=True)
class AuthenticationSettings:
    """Who a message comes from, found out by mx before it answers 250."""

    enabled: bool = setting(
        True,
        "Check SPF, DKIM, ARC and DMARC, and write Authentication-Results.",
        why="What the sender proved is what filters, allow lists and reputation stand on.",
    )
    deadline: Duration = setting(
        Duration(8),
        "All DNS look-ups of one message together.",
        why="Clients wait 10 min for the reply to DATA; slow zones answer within seconds or not at all.",
        least=0.1,
        most=120,
    )
    lookups: int = setting(
        150,
        "DNS look-ups of one message.",
        why="SPF may need 10 and each address of them 10 more; signatures, chains and the tree walk add a few dozen.",
        unit="look-ups",
        least=10,
        most=1000,
    )
    trusted_networks: tuple[str, ...] = setting(
        ("127.0.0.0/8", "::1/128"),
        "Networks whose mail is not looked at.",
        why="Programs on this machine, and gateways that have checked themselves.",
    )
    iprev: bool = setting(
        True, "Look up the client's name and back.", why="Cheap, cached, and good evidence for the filter."
    )
    arc: bool = setting(
        True, "Verify ARC chains.", why="Forwarders and lists that are trusted can then vouch for what they changed."
    )
    bimi: bool = setting(
        False, "Look up the logo that the author's domain publishes.", why="Nothing shows logos yet; evidence only."
    )

    def problems(self) -> Iterator[str]:
        """Networks are networks."""
        for text in self.trusted_networks:
            try:
                networks([text])
            except ValueError:
                yield f"trusted_networks has {text!r}, expected a network such as 10.0.0.0/8"


MX: Final = Section("mx", MxSettings)
AUTHENTICATION: Final = Section("authentication", AuthenticationSettings)


@dataclass(frozen=True, slots=True)
class MxProcess:
    """Everything that the process reads."""

    mx: MxSettings
    authentication: AuthenticationSettings
    attachments: AttachmentSettings
    clamav: ClamavSettings
    smtp: SmtpSettings
    limits: LimitsSettings
    tls: TlsSettings
    lifecycle: LifecycleSettings
    http: HttpSettings
    telemetry: TelemetrySettings
    kafka: KafkaSettings
    cassandra: CassandraSettings
    blob: BlobSettings
    s3: S3Settings
