"""Settings of submission."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

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
class SubmissionSettings:
    """The SMTP server that takes mail from users of ours."""

    host: str = setting(
        "0.0.0.0",
        "Address to listen on; `::` listens on IPv6 as well.",
        why="Users are everywhere; `posthouse up` listens on loopback.",
    )
    port: int = setting(587, "TCP port with STARTTLS.", why="RFC 6409 §3.1.", least=0, most=65535)
    tls_port: int = setting(465, "TCP port with implicit TLS.", why="RFC 8314 §3.3.", least=0, most=65535)
    messages_per_hour: int = setting(
        500,
        "Messages of one account in an hour, per process.",
        why="More than a person writes; a stolen password sends no more than this.",
        unit="messages",
        least=1,
    )
    rcpts_per_hour: int = setting(
        1000,
        "Distinct recipients of one account in an hour, per process.",
        why="A large invitation, not a campaign.",
        unit="recipients",
        least=1,
    )


SUBMISSION: Final = Section("submission", SubmissionSettings)


@dataclass(frozen=True, slots=True)
class SubmissionProcess:
    """Everything that the process reads."""

    submission: SubmissionSettings
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
