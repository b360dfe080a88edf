"""Accounts that `posthouse up` makes when asked to; those that exist stay as they are."""

from __future__ import annotations

from collections.abc import Sequence

from posthouse.admin import accounts, domains
from posthouse.admin.context import AdminContext
from posthouse.model.address import domain_name


async def ensure_accounts(admin: AdminContext, domain: str, names: Sequence[str]) -> list[dict[str, str | None]]:
    """`address` and `password` of each; the password is None where the account was there before."""
    own = domain_name(domain)
    if await admin.directory.domain(own) is None:
        await domains.add(admin, name=own)
    made: list[dict[str, str | None]] = []
    for name in names:
        address = f"{name}@{own}"
        if await admin.directory.account_by_address(address) is not None:
            made.append({"address": address, "password": None})
        else:
            added = await accounts.add(admin, address=address)
            made.append({"address": address, "password": added.password})
    return made
