"""Domains: add (with postmaster@ and abuse@), list, show, remove."""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.admin.accounts import delete_log, new_account
from posthouse.admin.addresses import domain, find_domain, plain_address
from posthouse.admin.context import AdminContext
from posthouse.admin.held_mail import count_held
from posthouse.model.directory import DEFAULT_TENANT, Domain
from posthouse.model.errors import AlreadyExists, Invalid
from posthouse.model.ids import DomainName, TenantName


@dataclass(frozen=True, slots=True)
class DomainRow:
    name: str
    tenant: str
    created_us: int
    accounts: int
    aliases: int


@dataclass(frozen=True, slots=True)
class DomainAdded:
    name: str
    postmaster: str
    """Where mail to postmaster@ and abuse@ goes."""
    password: str | None
    """Of the postmaster account that was made; None where an address was given. It is not kept."""


@dataclass(frozen=True, slots=True)
class DomainShown:
    domain: DomainRow
    accounts: tuple[str, ...]
    aliases: tuple[tuple[str, tuple[str, ...]], ...]
    held: int


async def add(
    context: AdminContext,
    *,
    name: str,
    postmaster: str | None = None,
    password: str | None = None,
    tenant: str = DEFAULT_TENANT,
) -> DomainAdded:
    """`postmaster`: an existing address that gets the mail of postmaster@ and abuse@ (RFC 2142); without it an account
    postmaster@ is made, with `password` or a random one."""
    own = domain(name)
    if await context.directory.domain(own) is not None:
        raise AlreadyExists(f"domain {own}", public=f"The domain {own} exists already; `posthouse domain show {own}`")
    made = Domain(own, TenantName(tenant), context.clock.now_us())
    if postmaster is not None:
        if password is not None:
            raise Invalid("password for an existing address", public="a password goes with a new account only")
        target = plain_address(postmaster)
        await context.directory.add_domain(made, target)
        return DomainAdded(own, target, None)
    account, random = await new_account(context, made, f"postmaster@{own}", password)
    await context.directory.add_domain(made, account)
    return DomainAdded(own, account.address, random)


async def list_domains(context: AdminContext) -> list[DomainRow]:
    accounts = [account.address for account in await context.directory.accounts()]
    aliases = [alias.address for alias in await context.directory.aliases()]
    return [
        DomainRow(d.name, d.tenant, d.created_us, _in(d.name, accounts), _in(d.name, aliases))
        for d in await context.directory.domains()
    ]


def _in(name: DomainName, addresses: list[str]) -> int:
    return sum(address.endswith("@" + name) for address in addresses)


async def show(context: AdminContext, *, name: str) -> DomainShown:
    found = await find_domain(context.directory, name)
    accounts = tuple(account.address for account in await context.directory.accounts(found.name))
    aliases = tuple((alias.address, alias.targets) for alias in await context.directory.aliases(found.name))
    row = DomainRow(found.name, found.tenant, found.created_us, len(accounts), len(aliases))
    return DomainShown(row, accounts, aliases, await count_held(context, found.name))


async def remove(context: AdminContext, *, name: str) -> DomainRow:
    """With postmaster@ and abuse@. Refused while other addresses or held mail remain."""
    found = await find_domain(context.directory, name)
    held = await count_held(context, found.name)
    if held:
        raise Invalid(
            "mail is held",
            public=f"{held} messages of {found.name} are held; release or drop them first: "
            f"`posthouse held list {found.name}`",
        )
    postmaster = [a for a in await context.directory.accounts(found.name) if a.address == f"postmaster@{found.name}"]
    await context.directory.remove_domain(found.name)
    # Only now: the directory may have refused, and then the postmaster's mail must still be there.
    for account in postmaster:
        await delete_log(context, account.account_id)
    return DomainRow(found.name, found.tenant, found.created_us, 0, 0)
