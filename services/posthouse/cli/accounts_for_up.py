"""Accounts that `posthouse up` makes when asked to; those that exist stay as they are."""

from __future__ import annotations

from collections.abc import Sequence

from posthouse.admin import accounts, domains
from posthouse.admin.context import AdminContext
from posthouse.cli.platform import Platform
from posthouse.model.address import domain_name
from posthouse.runtime.component import Component


class AccountsForUp(Component):
    """Listed last: passwords are told once, so they are made only when nothing more can keep the platform from
    starting and telling them."""

    name = "accounts"

    def __init__(self, platform: Platform, domain: str, names: Sequence[str]) -> None:
        self._platform = platform
        self._domain = domain
        self._names = names

    async def start(self) -> None:
        self._platform.accounts += await ensure_accounts(self._platform.admin, self._domain, self._names)


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
