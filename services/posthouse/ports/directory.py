"""Domains, accounts, aliases, credentials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from posthouse.model.address import Address
from posthouse.model.directory import Account, Alias, Domain, Process, Target
from posthouse.model.filter_policy import FilterPolicy
from posthouse.model.ids import AccountId, DomainName, TenantName


class Directory(Protocol):
    """Reads may be served from a cache a few seconds old; writes are strongly consistent: a domain and an address
    exist once, whoever asks at the same moment (LWT in the cluster)."""

    async def resolve(self, address: Address) -> Sequence[Target]:
        """Accounts behind an address: aliases expanded (nested to depth 10, loops cut), +detail kept, sorted, distinct.
        NoSuchDomain when the domain is not ours, NoSuchUser when the address is unknown, Disabled, Unavailable."""
        ...

    async def account(self, account_id: AccountId) -> Account | None: ...

    async def account_by_address(self, address: str) -> Account | None:
        """By its own address or by an alias of exactly one account (so that people may log in by it)."""
        ...

    async def owns(self, account_id: AccountId, address: Address) -> bool:
        """May that account write in this name? Its own address and aliases that lead to it, with any detail."""
        ...

    async def domain(self, name: DomainName) -> Domain | None: ...

    async def add_domain(self, domain: Domain, postmaster: Account | str) -> None:
        """Also makes postmaster@ and abuse@: both aliases of an existing address, or, given an Account, that account
        (its address must be postmaster@ of the domain) and an alias to it. AlreadyExists; NotFound for the target."""
        ...

    async def remove_domain(self, name: DomainName) -> None:
        """Invalid while accounts (beyond the made postmaster) or foreign aliases remain. NotFound."""
        ...

    async def domains(self) -> Sequence[Domain]: ...

    async def add_account(self, account: Account) -> None:
        """AlreadyExists when the address is taken by an account or alias; NotFound when the domain is not ours."""
        ...

    async def update_account(self, account: Account) -> None:
        """Replaces password, quota, switches of the account with that id. NotFound. The address never changes."""
        ...

    async def remove_account(self, account_id: AccountId) -> None:
        """NotFound; Invalid while an alias still points to it alone."""
        ...

    async def accounts(self, domain: DomainName | None = None) -> Sequence[Account]: ...

    async def add_alias(self, alias: Alias) -> None:
        """AlreadyExists; NotFound when a target or the domain does not exist; Invalid for a loop."""
        ...

    async def remove_alias(self, address: str) -> None: ...

    async def aliases(self, domain: DomainName | None = None) -> Sequence[Alias]: ...

    async def tenant_key(self, tenant: TenantName) -> bytes:
        """32 octets, made at first use: keys the blob ids of the tenant."""
        ...

    async def filter_policy(self, scope: str) -> FilterPolicy:
        """What a scope (model.filter_policy.scopes) says; nothing where nobody set anything. Invalid when what is kept
        cannot be read, by this version."""
        ...

    async def set_filter_policy(self, scope: str, policy: FilterPolicy) -> None:
        """Replaces it; one that says nothing is removed. Policies of an account or domain go with it. Invalid."""
        ...

    async def filter_policies(self) -> Sequence[tuple[str, FilterPolicy]]:
        """(scope, policy) of all that say something, by scope."""
        ...

    async def rules(self, scope: str) -> str:
        """The administrator's own rules of a platform, tenant or domain (model.filter_policy.scopes), as written; empty
        where there are none."""
        ...

    async def set_rules(self, scope: str, text: str) -> None:
        """Replaces them; empty removes. Rules of a domain go with it. Invalid for what cannot be read as rules."""
        ...

    async def announce(self, process: Process, ttl: float) -> None:
        """Says that the process lives for `ttl` more seconds; 0 = it leaves."""
        ...

    async def processes(self, role: str | None = None) -> Sequence[Process]: ...
