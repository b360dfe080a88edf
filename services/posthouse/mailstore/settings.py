"""Settings of mailstore."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from posthouse.runtime.settings import Section, setting


@dataclass(frozen=True, slots=True)
class MailstoreSettings:
    """The process that commits to account logs, for all others."""

    host: str = setting(
        "127.0.0.1",
        "Address to listen on (gRPC).",
        why="It has no authentication of its own; the chart sets 0.0.0.0 behind a network policy.",
    )
    port: int = setting(7143, "TCP port.", why="Not used by anything common.", least=0, most=65535)
    advertise: str | None = setting(
        None,
        "host:port that other processes reach it at.",
        why="Unset, the address it is bound to; in Kubernetes the pod's.",
    )
    watched_accounts: int = setting(
        200_000,
        "Accounts that one other process may watch here for changes; those of a further one are seen when that process "
        "looks by itself, every imap.poll.",
        why="Far above the sessions of one imap process; it only bounds what a client gone wrong can take of memory.",
        unit="accounts",
        least=1,
    )


MAILSTORE: Final = Section("mailstore", MailstoreSettings)
