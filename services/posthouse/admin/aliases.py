"""Aliases: addresses that lead to other addresses."""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.admin.addresses import find_domain, plain_address
from posthouse.admin.context import AdminContext
from posthouse.model.address import parse_address
from posthouse.model.directory import Alias
from posthouse.model.errors import Disabled, NoSuchUser, NotFound
from posthouse.model.ids import DomainName


@dataclass(frozen=True, slots=True)
class AliasRow:
    address: str
    targets: tuple[str, ...]
    created_us: int


@dataclass(frozen=True, slots=True)
class AliasShown:
    alias: AliasRow
    accounts: tuple[str, ...]
    """Where mail to it ends, aliases of aliases expanded; accounts that are disabled are left out."""


async def add(context: AdminContext, *, address: str, targets: tuple[str, ...]) -> AliasRow:
    own = plain_address(address)
    found = await find_domain(context.directory, own.rpartition("@")[2])
    # A detail in a target is allowed: team@ may lead to alice+team@, and so into her folder of that name.
    leading = tuple(dict.fromkeys(_target(target) for target in targets))
    alias = Alias(own, leading, found.tenant, context.clock.now_us())
    await context.directory.add_alias(alias)
    return _row(alias)


def _target(text: str) -> str:
    plain = plain_address(text.partition("+")[0] + "@" + text.rpartition("@")[2]) if "+" in text[1:] else ""
    if not plain:
        return plain_address(text)
    detail = parse_address(text).detail
    local, _, name = plain.rpartition("@")
    return f"{local}+{detail}@{name}" if detail else plain


def _row(alias: Alias) -> AliasRow:
    return AliasRow(alias.address, alias.targets, alias.created_us)


async def list_aliases(context: AdminContext, *, of: str | None = None) -> list[AliasRow]:
    name = None if of is None else (await find_domain(context.directory, of)).name
    return [_row(alias) for alias in await context.directory.aliases(name)]


async def show(context: AdminContext, *, address: str) -> AliasShown:
    own = plain_address(address)
    for alias in await context.directory.aliases(DomainName(own.rpartition("@")[2])):
        if alias.address == own:
            try:
                found = await context.directory.resolve(parse_address(own))
            except (Disabled, NoSuchUser):
                found = ()
            return AliasShown(_row(alias), tuple(dict.fromkeys(target.account.address for target in found)))
    raise NotFound(own, public=f"There is no alias {own}; `posthouse alias list` shows those that are")


async def remove(context: AdminContext, *, address: str) -> None:
    await context.directory.remove_alias(plain_address(address))
