"""How the Kafka adapter's clients connect, and how foreign errors become ours."""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from posthouse.model.errors import Invalid, Unavailable

MAX_REQUEST = 1_048_576
"""Octets of one produce request: what brokers take by default."""


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """Plain values; the composition root fills them from the settings of section `kafka`."""

    bootstrap: tuple[str, ...]
    prefix: str = ""
    """Put before each topic and group name, where several installations share a cluster."""
    security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    ca_file: str | None = None
    mechanism: str = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = None
    request_timeout: float = 10.0
    """Seconds to wait for a broker's answer."""
    client_id: str = "posthouse"

    def client_options(self) -> dict[str, Any]:
        """Keyword arguments that every aiokafka client takes."""
        options: dict[str, Any] = {
            "bootstrap_servers": list(self.bootstrap),
            "client_id": self.client_id,
            "request_timeout_ms": int(self.request_timeout * 1000),
            "retry_backoff_ms": 50,
            "metadata_max_age_ms": 30_000,
            "security_protocol": self.security,
        }
        if self.security.endswith("SSL"):
            options["ssl_context"] = ssl.create_default_context(cafile=self.ca_file)
        if self.security.startswith("SASL"):
            options |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return options

    def full(self, name: str) -> str:
        return self.prefix + name

    def bare(self, full: str) -> str:
        return full[len(self.prefix) :]


def partition_of(key: bytes | None, partitions: Sequence[int], available: Sequence[int]) -> int:
    """aiokafka's own hash is Python and costs as much as the rest of a send; the CRC is one call into C."""
    return partitions[zlib.crc32(key or b"") % len(partitions)]


@contextmanager
def kafka_errors(what: str) -> Iterator[None]:
    """The one map from aiokafka's errors to ours."""
    try:
        yield
    except (MessageSizeTooLargeError, RecordListTooLargeError) as error:
        raise Invalid(f"{what}: {error}") from error
    except (KafkaError, TimeoutError, OSError) as error:
        raise Unavailable(f"{what}: {type(error).__name__} {error}") from error
