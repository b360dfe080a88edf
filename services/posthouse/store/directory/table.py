"""The rows behind the directory: a narrow port, so that the rules stand once (directory.py) above every engine.

Uniqueness is the table's only hard promise: `claim_*` succeeds for exactly one caller per key (SQLite: primary key;
Cassandra: INSERT … IF NOT EXISTS at LOCAL_SERIAL).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from posthouse.model.directory import Account, Domain, Process
from posthouse.model.ids import AccountId, DomainName, TenantName


@dataclass(frozen=True, slots=True)
class AddressRow:
    """What an address is. Either `account` is set, or `targets` is not empty (an alias)."""

    address: str
    """Lower case, no detail."""
    domain: DomainName
    tenant: TenantName
    account: AccountId | None = None
    targets: tuple[str, ...] = ()
    created_us: int = 0


class DirectoryTable(Protocol):
    async def domain(self, name: DomainName) -> Domain | None: ...

    async def domains(self) -> Sequence[Domain]: ...

    async def claim_domain(self, domain: Domain) -> bool:
        """False when it exists."""
        ...

    async def drop_domain(self, name: DomainName) -> None: ...

    async def address(self, address: str) -> AddressRow | None: ...

    async def addresses(self, domain: DomainName | None) -> Sequence[AddressRow]: ...

    async def claim_address(self, row: AddressRow) -> bool:
        """False when the address is taken, by whatever."""
        ...

    async def drop_address(self, address: str) -> None: ...

    async def account(self, account_id: AccountId) -> Account | None: ...

    async def put_account(self, account: Account) -> None: ...

    async def drop_account(self, account_id: AccountId) -> None: ...

    async def claim_tenant_key(self, tenant: TenantName, key: bytes) -> bytes:
        """The tenant's key: `key` if it had none, else the one it has."""
        ...

    async def policy(self, scope: str) -> str | None:
        """The document kept under a scope."""
        ...

    async def policies(self) -> Sequence[tuple[str, str]]: ...

    async def put_policy(self, scope: str, document: str) -> None: ...

    async def drop_policy(self, scope: str) -> None: ...

    async def rules(self, scope: str) -> str | None: ...

    async def put_rules(self, scope: str, text: str) -> None: ...

    async def drop_rules(self, scope: str) -> None: ...

    async def put_process(self, process: Process, ttl: float) -> None: ...

    async def drop_process(self, process_id: str) -> None: ...

    async def processes(self) -> Sequence[Process]: ...
