"""Directory records: tenants' domains, accounts, aliases, credentials; and the live processes of a cluster."""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.model.ids import AccountId, DomainName, TenantName

DEFAULT_TENANT = TenantName("default")


@dataclass(frozen=True, slots=True)
class Domain:
    name: DomainName
    tenant: TenantName
    created_us: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    account_id: AccountId
    address: str
    """Its own address, lower case local part, no detail."""
    tenant: TenantName
    password_hash: str
    """argon2id in PHC form; empty = no login."""
    quota_bytes: int | None = None
    quota_msgs: int | None = None
    enabled: bool = True
    detail_folders: bool = True
    """Deliver user+folder@… into the folder of that name where it exists, else INBOX."""
    created_us: int = 0


@dataclass(frozen=True, slots=True)
class Alias:
    address: str
    targets: tuple[str, ...]
    """Account addresses of the platform (remote targets come with the relay)."""
    tenant: TenantName
    created_us: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """One account that an address leads to."""

    account: Account
    detail: str


@dataclass(frozen=True, slots=True)
class Process:
    """A live process of the cluster, as it announces itself; gone from the listing when its time to live has passed."""

    process_id: str
    role: str
    """`mx`, `submission`, `filter`, `delivery`, `mailstore`, `imap`."""
    http: str
    """host:port of its health and control endpoint."""
    grpc: str = ""
    """host:port of the mailstore service, else empty."""
