"""Filter policies: what each level says about unwanted mail, and what of it holds for one address."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from posthouse.admin.addresses import find_account, find_domain
from posthouse.admin.context import AdminContext
from posthouse.model.address import domain_name
from posthouse.model.directory import Account
from posthouse.model.errors import Invalid, NotFound
from posthouse.model.filter_policy import (
    DMARC_HANDLINGS,
    PLATFORM_SCOPE,
    FilterPolicy,
    as_document,
    entry,
    fold,
    from_document,
    scopes,
)
from posthouse.model.ids import AccountId, DomainName

FIELDS = ("junk", "quarantine", "reject", "dmarc", "digest", "caution")


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """What one level says; None and empty = the level above decides."""

    level: str
    """`platform`, `tenant`, `domain` or `account`."""
    of: str
    """Whose: the tenant's or domain's name, the account's address; empty for the platform."""
    junk: float | None
    quarantine: float | None
    reject: float | None
    dmarc: str | None
    digest: bool | None
    caution: bool | None
    allow: tuple[str, ...]
    block: tuple[str, ...]
    arc_sealers: tuple[str, ...]
    known_lists: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HoldingRow:
    """One field of the policy that holds, and which level says so (`built in` where none does)."""

    field: str
    value: str
    said_by: str


@dataclass(frozen=True, slots=True)
class PolicyShown:
    address: str
    levels: tuple[PolicyRow, ...]
    """Those that say something, the farthest first."""
    holds: tuple[HoldingRow, ...]


async def show(context: AdminContext, *, address: str) -> PolicyShown:
    account = await find_account(context.directory, address)
    domain = account.address.rpartition("@")[2]
    names = {"platform": "", "tenant": account.tenant, "domain": domain, "account": account.address}
    levels = []
    for level, scope in scopes(account.tenant, domain, account.account_id):
        levels.append((level, await context.directory.filter_policy(scope)))
    effective = fold(levels)
    origins = dict(effective.origins)
    built_in = {"junk": "the model's threshold", "quarantine": "never", "reject": "never"}
    holds = tuple(
        HoldingRow(
            name,
            built_in[name] if name in built_in and name not in origins else _word(getattr(effective, name)),
            origins.get(name, "built in"),
        )
        for name in FIELDS
    )
    rows = tuple(_row(level, names[level], policy) for level, policy in levels if not policy.says_nothing)
    return PolicyShown(account.address, rows, holds)


async def list_policies(context: AdminContext) -> list[PolicyRow]:
    rows = []
    for scope, policy in await context.directory.filter_policies():
        level, _, of = scope.partition(":")
        if level == "account":
            of = await _address(context, of)
        rows.append(_row(level, of, policy))
    return rows


async def set_policy(
    context: AdminContext,
    *,
    who: str,
    junk: float | None = None,
    quarantine: float | None = None,
    reject: float | None = None,
    dmarc: str | None = None,
    digest: bool | None = None,
    caution: bool | None = None,
    unset: tuple[str, ...] = (),
) -> PolicyRow:
    if dmarc is not None and dmarc not in DMARC_HANDLINGS:
        raise Invalid(f"dmarc {dmarc!r}", public=f"dmarc is one of {', '.join(DMARC_HANDLINGS)}")
    for name in unset:
        if name not in FIELDS:
            raise Invalid(f"field {name!r}", public=f"{name!r} can't be unset; {', '.join(FIELDS)} can")
    level, of, scope = await scope_of(context, who)
    document = as_document(await context.directory.filter_policy(scope))
    given = {
        "junk": junk,
        "quarantine": quarantine,
        "reject": reject,
        "dmarc": dmarc,
        "digest": digest,
        "caution": caution,
    }
    document |= {name: value for name, value in given.items() if value is not None}
    for name in unset:
        document.pop(name, None)
    policy = from_document(document)
    await context.directory.set_filter_policy(scope, policy)
    return _row(level, of, policy)


async def allow(context: AdminContext, *, who: str, entries: tuple[str, ...], remove: bool = False) -> PolicyRow:
    """Adds entries to the allow list, or takes them off; an entry stands on one of the two lists."""
    return await _list(context, who, "allow", entries, remove)


async def block(context: AdminContext, *, who: str, entries: tuple[str, ...], remove: bool = False) -> PolicyRow:
    """Adds entries to the block list, or takes them off; an entry stands on one of the two lists."""
    return await _list(context, who, "block", entries, remove)


async def trust(
    context: AdminContext, *, who: str, domains: tuple[str, ...], kind: str = "sealer", remove: bool = False
) -> PolicyRow:
    """Adds domains to those whose ARC seals are believed (`sealer`), or that resend as list servers (`list`)."""
    names = {"sealer": "arc_sealers", "list": "known_lists"}
    if kind not in names:
        raise Invalid(f"kind {kind!r}", public=f"{kind!r} is not one of {', '.join(names)}")
    level, of, scope = await scope_of(context, who)
    policy = await context.directory.filter_policy(scope)
    wanted = tuple(dict.fromkeys(domain_name(text) for text in domains))
    current: tuple[str, ...] = getattr(policy, names[kind])
    if remove:
        _listed(wanted, current, f"as {kind} of {of or level}")
    changed = tuple(text for text in current if text not in wanted)
    if not remove:
        changed = (*changed, *wanted)
    policy = replace(policy, arc_sealers=changed) if kind == "sealer" else replace(policy, known_lists=changed)
    await context.directory.set_filter_policy(scope, policy)
    return _row(level, of, policy)


def _word(value: object) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def _listed(wanted: tuple[str, ...], current: tuple[str, ...], where: str) -> None:
    missing = [text for text in wanted if text not in current]
    if missing:
        raise NotFound(f"{missing[0]} is not listed", public=f"{', '.join(missing)}: not {where}")


async def _list(context: AdminContext, who: str, name: str, entries: tuple[str, ...], remove: bool) -> PolicyRow:
    level, of, scope = await scope_of(context, who)
    policy = await context.directory.filter_policy(scope)
    wanted = tuple(dict.fromkeys(entry(text) for text in entries))
    lists = {"allow": policy.allow, "block": policy.block}
    if remove:
        _listed(wanted, lists[name], f"on the {name} list of {of or level}")
        lists[name] = tuple(text for text in lists[name] if text not in wanted)
    else:
        lists = {each: tuple(text for text in listed if text not in wanted) for each, listed in lists.items()}
        lists[name] = (*lists[name], *wanted)
    policy = replace(policy, allow=lists["allow"], block=lists["block"])
    await context.directory.set_filter_policy(scope, policy)
    return _row(level, of, policy)


async def scope_of(context: AdminContext, who: str) -> tuple[str, str, str]:
    """(level, whose, scope) of what people type: `platform`, `tenant:NAME`, a domain or an address."""
    if who == PLATFORM_SCOPE:
        return "platform", "", PLATFORM_SCOPE
    if who.startswith("tenant:"):
        tenant = who.removeprefix("tenant:")
        if tenant not in {domain.tenant for domain in await context.directory.domains()}:
            raise NotFound(f"tenant {tenant}", public=f"No domain belongs to a tenant {tenant!r}")
        return "tenant", tenant, who
    if "@" in who:
        account = await find_account(context.directory, who)
        return "account", account.address, f"account:{account.account_id}"
    domain: DomainName = (await find_domain(context.directory, who)).name
    return "domain", domain, f"domain:{domain}"


async def _address(context: AdminContext, account_id: str) -> str:
    account: Account | None = await context.directory.account(AccountId(uuid.UUID(account_id)))
    return account.address if account is not None else account_id


def _row(level: str, of: str, policy: FilterPolicy) -> PolicyRow:
    return PolicyRow(
        level,
        of,
        policy.junk,
        policy.quarantine,
        policy.reject,
        policy.dmarc,
        policy.digest,
        policy.caution,
        policy.allow,
        policy.block,
        policy.arc_sealers,
        policy.known_lists,
    )
