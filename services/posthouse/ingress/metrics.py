"""The counters of an SMTP server, made once per process so that the hot path only adds to integers."""

from __future__ import annotations

from posthouse.ingress.policy import Origin
from posthouse.telemetry.metric_names import (
    ACCEPT_SECONDS,
    ACCEPTED_RCPTS,
    MESSAGE_BYTES,
    SMTP_RCPTS,
    SMTP_TRANSACTIONS,
)
from posthouse.telemetry.metrics import Metrics


class IngressMetrics:
    __slots__ = (
        "accept_seconds",
        "accepted_rcpts",
        "message_bytes",
        "rcpt_accepted",
        "rcpt_deferred",
        "rcpt_rejected",
        "transaction_aborted",
        "transaction_accepted",
        "transaction_deferred",
        "transaction_rejected",
    )

    def __init__(self, metrics: Metrics, origin: Origin) -> None:
        self.transaction_accepted = metrics.counter(SMTP_TRANSACTIONS, origin, "accepted")
        self.transaction_deferred = metrics.counter(SMTP_TRANSACTIONS, origin, "deferred")
        self.transaction_rejected = metrics.counter(SMTP_TRANSACTIONS, origin, "rejected")
        self.transaction_aborted = metrics.counter(SMTP_TRANSACTIONS, origin, "aborted")
        self.rcpt_accepted = metrics.counter(SMTP_RCPTS, origin, "accepted")
        self.rcpt_deferred = metrics.counter(SMTP_RCPTS, origin, "deferred")
        self.rcpt_rejected = metrics.counter(SMTP_RCPTS, origin, "rejected")
        self.accepted_rcpts = metrics.counter(ACCEPTED_RCPTS, origin)
        self.accept_seconds = metrics.histogram(ACCEPT_SECONDS, origin)
        self.message_bytes = metrics.histogram(MESSAGE_BYTES, origin)
