"""Checks of what is stored against itself: counts against rows, the directory against the account logs."""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.admin.addresses import find_account
from posthouse.admin.context import AdminContext
from posthouse.model.errors import Invalid, NoSuchAccount
from posthouse.model.ids import AccountId, quarantine_account


@dataclass(frozen=True, slots=True)
class AccountCheck:
    account: str
    """Address; of a quarantine, `held mail of DOMAIN`."""
    differences: tuple[str, ...]
    repaired: bool


async def check(
    context: AdminContext, *, addresses: tuple[str, ...] = (), every: bool = False, repair: bool = False
) -> list[AccountCheck]:
    """Recounts each account; `repair` commits the recounted values and recounts once more."""
    if every == bool(addresses):
        raise Invalid("which accounts?", public="name the accounts to check, or say --all")
    checked = []
    for name, account_id in await _chosen(context, addresses):
        # A process that serves mail goes on in between.
        await context.clock.sleep(0)
        try:
            differences = await context.mail_store.recount(account_id, repair=repair)
        except NoSuchAccount:
            checked.append(AccountCheck(name, ("the account has no log: remove it and add it again",), repaired=False))
            continue
        left = await context.mail_store.recount(account_id, repair=False) if repair and differences else ()
        repaired = bool(repair and differences and not left)
        checked.append(AccountCheck(name, tuple(left or differences), repaired))
    return checked


async def _chosen(context: AdminContext, addresses: tuple[str, ...]) -> list[tuple[str, AccountId]]:
    if addresses:
        found = [await find_account(context.directory, address) for address in addresses]
        return [(account.address, account.account_id) for account in found]
    chosen = [(account.address, account.account_id) for account in await context.directory.accounts()]
    for domain in await context.directory.domains():
        quarantine = quarantine_account(domain.name)
        try:
            await context.mail_store.view(quarantine)
        except NoSuchAccount:
            continue
        chosen.append((f"held mail of {domain.name}", quarantine))
    return chosen


async def directory(context: AdminContext) -> list[str]:
    """What a command that was cut off may leave behind, one line each with what to do. Empty = sound."""
    found = []
    known = {alias.address for alias in await context.directory.aliases()}
    accounts = await context.directory.accounts()
    known |= {account.address for account in accounts}
    for domain in await context.directory.domains():
        for role in ("postmaster", "abuse"):
            address = f"{role}@{domain.name}"
            if address not in known:
                found.append(f"{address} is missing (RFC 2142): posthouse alias add {address} TARGET")
    for account in accounts:
        try:
            await context.mail_store.view(account.account_id)
        except NoSuchAccount:
            again = f"posthouse account remove {account.address}, then add it again"
            found.append(f"{account.address} has no account log: {again}")
    return found
