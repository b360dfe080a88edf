"""Settings of the IMAP server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

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
from posthouse.runtime.settings import Duration, Section, Size, setting


@dataclass(frozen=True, slots=True)
class ImapSettings:
    """The IMAP server."""

    host: str = setting(
        "0.0.0.0",
        "Address to listen on; `::` listens on IPv6 as well.",
        why="Users are everywhere; `posthouse up` listens on loopback.",
    )
    port: int = setting(143, "TCP port with STARTTLS.", why="RFC 3501 §2.1.", least=0, most=65535)
    tls_port: int = setting(993, "TCP port with implicit TLS.", why="RFC 8314 §3.2.", least=0, most=65535)
    insecure_loopback_auth: bool = setting(
        False,
        "Allow LOGIN and AUTHENTICATE without TLS from a loopback address.",
        why="Passwords do not travel in clear; for trials on one machine only.",
    )
    login_timeout: Duration = setting(
        Duration(60),
        "Time from the connection to the login.",
        why="Who does not log in holds a socket for nothing.",
        least=1,
    )
    idle_timeout: Duration = setting(
        Duration(1860),
        "Time without input, IDLE included, after which a session is ended.",
        why="RFC 3501 §5.4 asks for 30 minutes at least; clients renew IDLE every 29.",
        least=1800,
    )
    write_timeout: Duration = setting(
        Duration(300),
        "Time that a client may leave what was sent to it unread.",
        why="A sleeping laptop wakes within minutes or not at all; its answers cost memory.",
        least=10,
    )
    poll: Duration = setting(
        Duration(30),
        "Least time between two looks at the head of an account with open sessions; up to twice that by account.",
        why="Changes are pushed; a lost hint costs this long and never more.",
        least=1,
    )
    sessions_per_account: int = setting(
        60,
        "Sessions of one account in one process.",
        why="Five devices with a dozen connections each.",
        unit="sessions",
        least=1,
    )
    append_memory: Size = setting(
        Size(256 * 1024 * 1024),
        "Octets of messages being appended, all connections together; further ones wait before they are sent.",
        why="Ten of the largest messages at once; memory stays bounded whatever clients do.",
        least=1 << 20,
    )
    faults: int = setting(
        20,
        "Commands answered BAD in a row before the connection is ended.",
        why="A client that makes so many mistakes in a row speaks another protocol.",
        unit="commands",
        least=3,
    )


IMAP: Final = Section("imap", ImapSettings)


@dataclass(frozen=True, slots=True)
class ImapProcess:
    """Everything that the process reads."""

    imap: ImapSettings
    limits: LimitsSettings
    tls: TlsSettings
    lifecycle: LifecycleSettings
    http: HttpSettings
    telemetry: TelemetrySettings
    kafka: KafkaSettings
    cassandra: CassandraSettings
    blob: BlobSettings
    s3: S3Settings
