"""A cache in front of a directory, for processes that resolve recipients and logins all day.

What it answers may be `ttl` seconds old (unknown addresses: `negative_ttl`). Writes through it, and `invalidate` (fed
from dir.state.v1), empty it: a directory changes rarely, and an exact rule for what an alias touches is not worth its
mistakes. Bounded: the oldest entry goes when `size` is reached.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from posthouse.model.address import Address
from posthouse.model.directory import Account, Alias, Domain, Process, Target
from posthouse.model.errors import MailError
from posthouse.model.filter_policy import FilterPolicy
from posthouse.model.ids import AccountId, DomainName, TenantName
from posthouse.ports.clock import Clock
from posthouse.ports.directory import Directory

Entry = tuple[float, Any, MailError | None]


class CachedDirectory:
    """ports.Directory; see the module docstring."""

    def __init__(
        self,
        inner: Directory,
        clock: Clock,
        *,
        ttl: float = 30.0,
        negative_ttl: float = 5.0,
        size: int = 100_000,
        changed: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        """`changed` is told the entity (domain or address) after each write through this object."""
        self._inner = inner
        self._clock = clock
        self._ttl = ttl
        self._negative_ttl = negative_ttl
        self._size = size
        self._entries: dict[Any, Entry] = {}
        self._tenant_keys: dict[TenantName, bytes] = {}
        self._changed = changed
        self._generation = 0

    def invalidate(self) -> None:
        self._entries.clear()
        self._generation += 1

    async def _cached(self, key: Any, read: Callable[[], Awaitable[Any]]) -> Any:
        entry = self._entries.get(key)
        if entry is not None and entry[0] > self._clock.monotonic():
            if entry[2] is not None:
                raise entry[2].with_traceback(None)
            return entry[1]
        generation = self._generation
        value, failure = None, None
        try:
            value = await read()
        except MailError as e:
            if e.temporary:
                raise
            failure = e
        known = value is not None and failure is None
        if generation == self._generation:  # what was read before a change must not outlive it
            if len(self._entries) >= self._size:
                del self._entries[next(iter(self._entries))]
            until = self._clock.monotonic() + (self._ttl if known else self._negative_ttl)
            self._entries[key] = (until, value, failure)
        if failure is not None:
            raise failure
        return value

    async def _written(self, entity: str) -> None:
        self.invalidate()
        if self._changed is not None:
            await self._changed(entity)

    async def resolve(self, address: Address) -> Sequence[Target]:
        key = (address.local, address.domain)
        found: Sequence[Target] = await self._cached(key, lambda: self._inner.resolve(address))
        return found

    async def account(self, account_id: AccountId) -> Account | None:
        found: Account | None = await self._cached(account_id, lambda: self._inner.account(account_id))
        return found

    async def account_by_address(self, address: str) -> Account | None:
        key = ("login", address)
        found: Account | None = await self._cached(key, lambda: self._inner.account_by_address(address))
        return found

    async def owns(self, account_id: AccountId, address: Address) -> bool:
        key = (account_id, address.local, address.domain)
        found: bool = await self._cached(key, lambda: self._inner.owns(account_id, address))
        return found

    async def domain(self, name: DomainName) -> Domain | None:
        found: Domain | None = await self._cached(("domain", name), lambda: self._inner.domain(name))
        return found

    async def add_domain(self, domain: Domain, postmaster: Account | str) -> None:
        await self._inner.add_domain(domain, postmaster)
        await self._written(domain.name)

    async def remove_domain(self, name: DomainName) -> None:
        await self._inner.remove_domain(name)
        await self._written(name)

    async def domains(self) -> Sequence[Domain]:
        return await self._inner.domains()

    async def add_account(self, account: Account) -> None:
        await self._inner.add_account(account)
        await self._written(account.address)

    async def update_account(self, account: Account) -> None:
        await self._inner.update_account(account)
        await self._written(account.address)

    async def remove_account(self, account_id: AccountId) -> None:
        account = await self._inner.account(account_id)
        await self._inner.remove_account(account_id)
        await self._written(account.address if account else str(account_id))

    async def accounts(self, domain: DomainName | None = None) -> Sequence[Account]:
        return await self._inner.accounts(domain)

    async def add_alias(self, alias: Alias) -> None:
        await self._inner.add_alias(alias)
        await self._written(alias.address)

    async def remove_alias(self, address: str) -> None:
        await self._inner.remove_alias(address)
        await self._written(address)

    async def aliases(self, domain: DomainName | None = None) -> Sequence[Alias]:
        return await self._inner.aliases(domain)

    async def tenant_key(self, tenant: TenantName) -> bytes:
        key = self._tenant_keys.get(tenant)
        if key is None:
            key = self._tenant_keys[tenant] = await self._inner.tenant_key(tenant)
        return key

    async def filter_policy(self, scope: str) -> FilterPolicy:
        key = ("policy", scope)
        entry = self._entries.get(key)
        found: FilterPolicy
        # Asked eight times for each message: without a detour where it is at hand.
        if entry is not None and entry[2] is None and entry[0] > self._clock.monotonic():
            found = entry[1]
        else:
            found = await self._cached(key, lambda: self._inner.filter_policy(scope))
        return found

    async def set_filter_policy(self, scope: str, policy: FilterPolicy) -> None:
        await self._inner.set_filter_policy(scope, policy)
        await self._written(scope)

    async def filter_policies(self) -> Sequence[tuple[str, FilterPolicy]]:
        return await self._inner.filter_policies()

    async def rules(self, scope: str) -> str:
        found: str = await self._cached(("rules", scope), lambda: self._inner.rules(scope))
        return found

    async def set_rules(self, scope: str, text: str) -> None:
        await self._inner.set_rules(scope, text)
        await self._written(scope)

    async def announce(self, process: Process, ttl: float) -> None:
        await self._inner.announce(process, ttl)

    async def processes(self, role: str | None = None) -> Sequence[Process]:
        return await self._inner.processes(role)
