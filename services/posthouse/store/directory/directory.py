"""The directory's rules, above any table: who may exist, what an address leads to, in whose name one may write."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from posthouse.model.address import Address, parse_address
from posthouse.model.directory import Account, Alias, Domain, Process, Target
from posthouse.model.errors import AlreadyExists, Disabled, Invalid, NoSuchDomain, NoSuchUser, NotFound
from posthouse.model.filter_policy import SILENT, FilterPolicy, as_document, checked, from_document
from posthouse.model.ids import AccountId, DomainName, TenantName
from posthouse.ports.ids import Ids
from posthouse.rules.parse import parse_rules
from posthouse.store.directory.table import AddressRow, DirectoryTable
from posthouse.telemetry.logging import EventLogger

log = EventLogger("posthouse.store.directory")

MAX_ALIAS_DEPTH = 10
MAX_ALIAS_TARGETS = 1_000
"""Accounts behind one alias, after expansion. A list larger than this belongs to a list manager."""
TENANT_KEY_OCTETS = 32


def known_as(address: Address) -> str:
    """The key of an address: lower case, no detail."""
    return f"{address.mailbox}@{address.domain}"


class TableDirectory:
    """ports.Directory over a DirectoryTable."""

    def __init__(self, table: DirectoryTable, ids: Ids) -> None:
        self._table = table
        self._ids = ids

    async def resolve(self, address: Address) -> Sequence[Target]:
        if await self._table.domain(address.domain) is None:
            raise NoSuchDomain(f"{address.domain} is not ours")
        row = await self._table.address(known_as(address))
        if row is None:
            raise NoSuchUser(f"no {known_as(address)}")
        found: dict[tuple[AccountId, str], Target] = {}
        await self._expand(row, address.detail, found, {row.address}, 0)
        targets = [t for t in found.values() if t.account.enabled]
        if not targets:
            raise Disabled(f"every account behind {row.address} is disabled") if found else NoSuchUser(row.address)
        return sorted(targets, key=lambda t: (t.account.address, t.detail))

    async def _expand(
        self,
        row: AddressRow,
        detail: str,
        found: dict[tuple[AccountId, str], Target],
        seen: set[str],
        depth: int,
    ) -> None:
        if row.account is not None:
            account = await self._table.account(row.account)
            if account is not None:
                found[(account.account_id, detail)] = Target(account, detail)
            return
        if depth >= MAX_ALIAS_DEPTH:
            return
        for text in row.targets:
            target = parse_address(text)
            key = known_as(target)
            if key in seen or len(found) >= MAX_ALIAS_TARGETS:
                continue
            seen.add(key)
            next_row = await self._table.address(key)
            if next_row is not None:
                await self._expand(next_row, target.detail or detail, found, seen, depth + 1)

    async def account(self, account_id: AccountId) -> Account | None:
        return await self._table.account(account_id)

    async def account_by_address(self, address: str) -> Account | None:
        try:
            parsed = parse_address(address)
        except Invalid:
            return None
        row = await self._table.address(known_as(parsed))
        if row is None:
            return None
        found: dict[tuple[AccountId, str], Target] = {}
        await self._expand(row, "", found, {row.address}, 0)
        accounts = {t.account.account_id: t.account for t in found.values()}
        return next(iter(accounts.values())) if len(accounts) == 1 else None

    async def owns(self, account_id: AccountId, address: Address) -> bool:
        row = await self._table.address(known_as(address))
        if row is None:
            return False
        found: dict[tuple[AccountId, str], Target] = {}
        await self._expand(row, "", found, {row.address}, 0)
        return any(t.account.account_id == account_id for t in found.values())

    async def domain(self, name: DomainName) -> Domain | None:
        return await self._table.domain(name)

    async def add_domain(self, domain: Domain, postmaster: Account | str) -> None:
        if isinstance(postmaster, Account):
            if postmaster.address != f"postmaster@{domain.name}":
                raise Invalid(f"{postmaster.address} is not postmaster@{domain.name}")
            target = postmaster.address
        else:
            target = postmaster
            if await self._table.address(known_as(parse_address(target))) is None:
                raise NotFound(f"{target} does not exist", public=f"{target} does not exist")
        if not await self._table.claim_domain(domain):
            raise AlreadyExists(f"domain {domain.name}", public=f"The domain {domain.name} exists already")
        # From here on a crash leaves a domain without postmaster; add_domain again says AlreadyExists, and
        # `posthouse doctor` names it. Mail to it is answered 5.1.1, nothing is lost.
        if isinstance(postmaster, Account):
            await self.add_account(postmaster)
        else:
            await self._claim_alias(f"postmaster@{domain.name}", domain, (target,))
        await self._claim_alias(f"abuse@{domain.name}", domain, (target,))

    async def _claim_alias(self, address: str, domain: Domain, targets: tuple[str, ...]) -> None:
        row = AddressRow(address, domain.name, domain.tenant, None, targets, domain.created_us)
        if not await self._table.claim_address(row):
            raise AlreadyExists(address, public=f"{address} exists already")

    async def remove_domain(self, name: DomainName) -> None:
        if await self._table.domain(name) is None:
            raise NotFound(f"domain {name}", public=f"There is no domain {name}")
        rows = await self._table.addresses(name)
        made = {f"postmaster@{name}", f"abuse@{name}"}
        left = sorted(row.address for row in rows if row.address not in made)
        if left:
            listed = ", ".join(left[:5]) + ("…" if len(left) > 5 else "")
            raise Invalid(f"{name} still has {listed}", public=f"{name} still has {listed}: remove these first")
        others = await self._pointing_to(made, outside=name)
        if others:
            raise Invalid(
                f"aliases point into {name}: {', '.join(others[:5])}",
                public=f"Aliases of other domains point into {name}: {', '.join(others[:5])}",
            )
        for row in rows:
            await self._table.drop_address(row.address)
            if row.account is not None:
                await self._table.drop_account(row.account)
                await self._table.drop_policy(f"account:{row.account}")
        await self._table.drop_policy(f"domain:{name}")
        await self._table.drop_rules(f"domain:{name}")
        await self._table.drop_domain(name)

    async def _pointing_to(self, addresses: set[str], outside: DomainName | None = None) -> list[str]:
        found = []
        for row in await self._table.addresses(None):
            if row.domain != outside and any(known_as(parse_address(t)) in addresses for t in row.targets):
                found.append(row.address)
        return sorted(found)

    async def domains(self) -> Sequence[Domain]:
        return sorted(await self._table.domains(), key=lambda d: d.name)

    async def add_account(self, account: Account) -> None:
        address = parse_address(account.address)
        if address.detail or known_as(address) != account.address:
            raise Invalid(f"{account.address}: an account's address is lower case and has no +detail")
        domain = await self._table.domain(address.domain)
        if domain is None:
            raise NotFound(f"domain {address.domain}", public=f"There is no domain {address.domain}: add it first")
        # The account row first: an address that leads to nothing would be answered 5.1.1 while it lasts.
        await self._table.put_account(account)
        row = AddressRow(account.address, domain.name, domain.tenant, account.account_id, (), account.created_us)
        if not await self._table.claim_address(row):
            await self._table.drop_account(account.account_id)
            raise AlreadyExists(account.address, public=f"{account.address} exists already")

    async def update_account(self, account: Account) -> None:
        old = await self._table.account(account.account_id)
        if old is None:
            raise NotFound(str(account.account_id), public="There is no such account")
        if old.address != account.address:
            raise Invalid("the address of an account never changes")
        await self._table.put_account(account)

    async def remove_account(self, account_id: AccountId) -> None:
        account = await self._table.account(account_id)
        if account is None:
            raise NotFound(str(account_id), public="There is no such account")
        pointing = await self._pointing_to({account.address})
        if pointing:
            raise Invalid(
                f"aliases point to {account.address}",
                public=f"Aliases point to {account.address}: {', '.join(pointing[:5])}. Remove or change them first",
            )
        await self._table.drop_address(account.address)
        await self._table.drop_account(account_id)
        await self._table.drop_policy(f"account:{account_id}")

    async def accounts(self, domain: DomainName | None = None) -> Sequence[Account]:
        found = []
        for row in await self._table.addresses(domain):
            if row.account is not None:
                account = await self._table.account(row.account)
                if account is not None:
                    found.append(account)
        return sorted(found, key=lambda a: a.address)

    async def add_alias(self, alias: Alias) -> None:
        address = parse_address(alias.address)
        if address.detail or known_as(address) != alias.address:
            raise Invalid(f"{alias.address}: an alias is lower case and has no +detail")
        if not alias.targets:
            raise Invalid(f"{alias.address} leads nowhere", public="An alias needs at least one target")
        domain = await self._table.domain(address.domain)
        if domain is None:
            raise NotFound(f"domain {address.domain}", public=f"There is no domain {address.domain}: add it first")
        for text in alias.targets:
            target = parse_address(text)
            if known_as(target) == alias.address:
                raise Invalid(f"{alias.address} leads to itself", public="An alias cannot lead to itself")
            row = await self._table.address(known_as(target))
            if row is None:
                raise NotFound(f"{text} does not exist", public=f"{text} does not exist on this platform")
            if row.account is None and await self._leads_to(row, alias.address, 0):
                raise Invalid(f"{text} leads back to {alias.address}", public=f"{text} leads back to {alias.address}")
        row = AddressRow(alias.address, domain.name, domain.tenant, None, alias.targets, alias.created_us)
        if not await self._table.claim_address(row):
            raise AlreadyExists(alias.address, public=f"{alias.address} exists already")

    async def _leads_to(self, row: AddressRow, address: str, depth: int) -> bool:
        for text in row.targets:
            key = known_as(parse_address(text))
            if key == address:
                return True
            below = await self._table.address(key)
            if below is not None and depth < MAX_ALIAS_DEPTH and await self._leads_to(below, address, depth + 1):
                return True
        return False

    async def remove_alias(self, address: str) -> None:
        row = await self._table.address(address)
        if row is None or row.account is not None:
            raise NotFound(address, public=f"There is no alias {address}")
        if address.partition("@")[0] in ("postmaster", "abuse"):
            raise Invalid(
                f"{address} is required (RFC 5321 §4.5.1, RFC 2142)",
                public=f"{address} belongs to the domain and goes with it",
            )
        pointing = await self._pointing_to({address})
        if pointing:
            raise Invalid(
                f"aliases point to {address}", public=f"Aliases point to {address}: {', '.join(pointing[:5])}"
            )
        await self._table.drop_address(address)

    async def aliases(self, domain: DomainName | None = None) -> Sequence[Alias]:
        rows = await self._table.addresses(domain)
        found = [Alias(r.address, r.targets, r.tenant, r.created_us) for r in rows if r.account is None]
        return sorted(found, key=lambda a: a.address)

    async def tenant_key(self, tenant: TenantName) -> bytes:
        return await self._table.claim_tenant_key(tenant, self._ids.token(TENANT_KEY_OCTETS))

    async def filter_policy(self, scope: str) -> FilterPolicy:
        document = await self._table.policy(scope)
        if document is None:
            return SILENT
        try:
            return from_document(orjson.loads(document))
        except (Invalid, orjson.JSONDecodeError, AttributeError, TypeError) as error:
            log.error("a filter policy cannot be read", scope=scope, exc_info=error)
            raise Invalid(f"the policy of {scope}: {error}", public=f"The policy of {scope} cannot be read") from error

    async def set_filter_policy(self, scope: str, policy: FilterPolicy) -> None:
        policy = checked(policy)
        if policy.says_nothing:
            await self._table.drop_policy(scope)
        else:
            await self._table.put_policy(scope, orjson.dumps(as_document(policy)).decode())

    async def filter_policies(self) -> Sequence[tuple[str, FilterPolicy]]:
        found = await self._table.policies()
        return [(scope, from_document(orjson.loads(document))) for scope, document in sorted(found)]

    async def rules(self, scope: str) -> str:
        return await self._table.rules(scope) or ""

    async def set_rules(self, scope: str, text: str) -> None:
        if scope.startswith("account:"):
            raise Invalid(
                f"rules of {scope}", public="Rules are for the platform, a tenant or a domain, not an account"
            )
        if not text.strip():
            await self._table.drop_rules(scope)
            return
        parse_rules(text)
        await self._table.put_rules(scope, text)

    async def announce(self, process: Process, ttl: float) -> None:
        if ttl <= 0:
            await self._table.drop_process(process.process_id)
        else:
            await self._table.put_process(process, ttl)

    async def processes(self, role: str | None = None) -> Sequence[Process]:
        found = [p for p in await self._table.processes() if role in (None, p.role)]
        return sorted(found, key=lambda p: (p.role, p.process_id))
