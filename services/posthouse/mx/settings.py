"""Settings of mx."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from posthouse.ingress.authentication_settings import AuthenticationSettings
from posthouse.ingress.content_settings import AttachmentSettings, ClamavSettings
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
from posthouse.runtime.settings import Section, setting


@dataclass(frozen=True, slots=True)
class MxSettings:
    """The SMTP server that receives mail from other servers."""

    host: str = setting(
        "0.0.0.0",
        "Address to listen on; `::` listens on IPv6 as well.",
        why="Mail comes from everywhere; `posthouse up` listens on loopback.",
    )
    port: int = setting(25, "TCP port.", why="The port of SMTP between servers.", least=0, most=65535)


MX: Final = Section("mx", MxSettings)


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
