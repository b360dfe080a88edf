"""The directory's rows in Cassandra. Uniqueness of domains and addresses is one conditional INSERT each.

Tables that are claimed by a conditional statement are only ever written by conditional statements: a plain write to
such a row would lose or win by timestamp. An outcome that is unknown is settled by reading the row at LOCAL_SERIAL:
a claim is ours if the row carries what we wrote.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import orjson

from posthouse.engines.cassandra import SERIAL, Database, StatementOutcomeUnknown
from posthouse.model.directory import Account, Domain, Process
from posthouse.model.errors import Unavailable
from posthouse.model.ids import AccountId, DomainName, TenantName
from posthouse.store.directory.table import AddressRow

TABLES = (
    """CREATE TABLE IF NOT EXISTS dir_domain (name text PRIMARY KEY, tenant text, created_us bigint)""",
    """CREATE TABLE IF NOT EXISTS dir_address (
         address text PRIMARY KEY, domain text, tenant text, account uuid, targets text, created_us bigint)""",
    # Addresses of a domain, for listings: written after the claim, so that it may name an address too many (a crash
    # between the two), never one too few; readers check each against dir_address.
    """CREATE TABLE IF NOT EXISTS dir_address_by_domain (domain text, address text, PRIMARY KEY (domain, address))""",
    """CREATE TABLE IF NOT EXISTS dir_account (
         account uuid PRIMARY KEY, address text, tenant text, password_hash text, quota_bytes bigint, quota_msgs bigint,
         enabled boolean, detail_folders boolean, created_us bigint)""",
    """CREATE TABLE IF NOT EXISTS dir_tenant_key (tenant text PRIMARY KEY, key blob)""",
    """CREATE TABLE IF NOT EXISTS dir_policy (scope text PRIMARY KEY, document text)""",
    """CREATE TABLE IF NOT EXISTS dir_rules (scope text PRIMARY KEY, document text)""",
    """CREATE TABLE IF NOT EXISTS process (
         shard tinyint, process_id text, role text, http text, grpc text, PRIMARY KEY (shard, process_id))""",
)

_ACCOUNT = "account, address, tenant, password_hash, quota_bytes, quota_msgs, enabled, detail_folders, created_us"
_ADDRESS = "address, domain, tenant, account, targets, created_us"


class CassandraDirectoryTable:
    """ports of table.py. `await prepare()` before use."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def make_tables(self) -> None:
        """Makes the tables that are missing. By one process at a time: `posthouse init`."""
        await self._db.schema(TABLES)

    async def prepare(self) -> None:
        """Prepares the statements; the tables must be there."""
        prepare = self._db.prepare
        await prepare(
            "dir domain", "SELECT name, tenant, created_us FROM dir_domain WHERE name = ?", consistency=SERIAL
        )
        await prepare("dir domains", "SELECT name, tenant, created_us FROM dir_domain")
        await prepare(
            "dir claim domain",
            "INSERT INTO dir_domain (name, tenant, created_us) VALUES (?, ?, ?) IF NOT EXISTS",
            idempotent=False,
        )
        await prepare("dir drop domain", "DELETE FROM dir_domain WHERE name = ? IF EXISTS", idempotent=False)
        await prepare("dir address", f"SELECT {_ADDRESS} FROM dir_address WHERE address = ?")
        await prepare("dir address serial", f"SELECT {_ADDRESS} FROM dir_address WHERE address = ?", consistency=SERIAL)
        await prepare(
            "dir claim address",
            f"INSERT INTO dir_address ({_ADDRESS}) VALUES (?, ?, ?, ?, ?, ?) IF NOT EXISTS",
            idempotent=False,
        )
        await prepare("dir drop address", "DELETE FROM dir_address WHERE address = ? IF EXISTS", idempotent=False)
        await prepare("dir list address", "INSERT INTO dir_address_by_domain (domain, address) VALUES (?, ?)")
        await prepare("dir unlist address", "DELETE FROM dir_address_by_domain WHERE domain = ? AND address = ?")
        await prepare("dir addresses of domain", "SELECT address FROM dir_address_by_domain WHERE domain = ?")
        await prepare("dir addresses", "SELECT address FROM dir_address_by_domain")
        await prepare("dir account", f"SELECT {_ACCOUNT} FROM dir_account WHERE account = ?")
        await prepare("dir put account", f"INSERT INTO dir_account ({_ACCOUNT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        await prepare("dir drop account", "DELETE FROM dir_account WHERE account = ?")
        await prepare("dir tenant key", "SELECT key FROM dir_tenant_key WHERE tenant = ?", consistency=SERIAL)
        await prepare(
            "dir claim tenant key",
            "INSERT INTO dir_tenant_key (tenant, key) VALUES (?, ?) IF NOT EXISTS",
            idempotent=False,
        )
        await prepare("dir policy", "SELECT document FROM dir_policy WHERE scope = ?")
        await prepare("dir policies", "SELECT scope, document FROM dir_policy")
        await prepare("dir put policy", "INSERT INTO dir_policy (scope, document) VALUES (?, ?)")
        await prepare("dir drop policy", "DELETE FROM dir_policy WHERE scope = ?")
        await prepare("dir rules", "SELECT document FROM dir_rules WHERE scope = ?")
        await prepare("dir put rules", "INSERT INTO dir_rules (scope, document) VALUES (?, ?)")
        await prepare("dir drop rules", "DELETE FROM dir_rules WHERE scope = ?")
        await prepare(
            "put process",
            "INSERT INTO process (shard, process_id, role, http, grpc) VALUES (0, ?, ?, ?, ?) USING TTL ?",
        )
        await prepare("drop process", "DELETE FROM process WHERE shard = 0 AND process_id = ?")
        await prepare("processes", "SELECT process_id, role, http, grpc FROM process WHERE shard = 0")

    async def domain(self, name: DomainName) -> Domain | None:
        rows = await self._db.execute("dir domain", (name,))
        return _domain(rows[0]) if rows else None

    async def domains(self) -> Sequence[Domain]:
        return [_domain(row) for row in await self._db.pages("dir domains")]

    async def claim_domain(self, domain: Domain) -> bool:
        try:
            rows = await self._db.execute("dir claim domain", (domain.name, domain.tenant, domain.created_us))
        except StatementOutcomeUnknown:
            # Only equality of the whole row can tell ours from another's; two claims of the same tenant in the same
            # microsecond are one claim.
            return await self.domain(domain.name) == domain
        return bool(rows[0][0])

    async def drop_domain(self, name: DomainName) -> None:
        await self._db.execute("dir drop domain", (name,))

    async def address(self, address: str) -> AddressRow | None:
        rows = await self._db.execute("dir address", (address,))
        return _address(rows[0]) if rows else None

    async def addresses(self, domain: DomainName | None) -> Sequence[AddressRow]:
        if domain is None:
            listed = await self._db.pages("dir addresses")
        else:
            listed = await self._db.pages("dir addresses of domain", (domain,))
        rows = [await self.address(row[0]) for row in listed]
        return [row for row in rows if row is not None]

    async def claim_address(self, row: AddressRow) -> bool:
        targets = orjson.dumps(row.targets).decode()
        values = (row.address, row.domain, row.tenant, row.account, targets, row.created_us)
        try:
            rows = await self._db.execute("dir claim address", values)
            claimed = bool(rows[0][0])
        except StatementOutcomeUnknown:
            found = await self._db.execute("dir address serial", (row.address,))
            claimed = bool(found) and _address(found[0]) == row
        if claimed:
            await self._db.execute("dir list address", (row.domain, row.address))
        return claimed

    async def drop_address(self, address: str) -> None:
        row = await self.address(address)
        await self._db.execute("dir drop address", (address,))
        if row is not None:
            await self._db.execute("dir unlist address", (row.domain, address))

    async def account(self, account_id: AccountId) -> Account | None:
        rows = await self._db.execute("dir account", (account_id,))
        if not rows:
            return None
        account, address, tenant, *rest = rows[0]
        return Account(AccountId(account), address, TenantName(tenant), *rest)

    async def put_account(self, account: Account) -> None:
        await self._db.execute(
            "dir put account",
            (
                account.account_id,
                account.address,
                account.tenant,
                account.password_hash,
                account.quota_bytes,
                account.quota_msgs,
                account.enabled,
                account.detail_folders,
                account.created_us,
            ),
        )

    async def drop_account(self, account_id: AccountId) -> None:
        await self._db.execute("dir drop account", (account_id,))

    async def claim_tenant_key(self, tenant: TenantName, key: bytes) -> bytes:
        rows = await self._db.execute("dir tenant key", (tenant,))
        if not rows:
            # Whoever won, and whether or not we learn that it was us: what stands there afterwards is the key.
            with suppress(StatementOutcomeUnknown):
                await self._db.execute("dir claim tenant key", (tenant, key))
            rows = await self._db.execute("dir tenant key", (tenant,))
            if not rows:
                raise Unavailable("a tenant key could not be written")
        return bytes(rows[0][0])

    async def policy(self, scope: str) -> str | None:
        rows = await self._db.execute("dir policy", (scope,))
        return str(rows[0][0]) if rows else None

    async def policies(self) -> Sequence[tuple[str, str]]:
        return [(str(scope), str(document)) for scope, document in await self._db.pages("dir policies")]

    async def put_policy(self, scope: str, document: str) -> None:
        await self._db.execute("dir put policy", (scope, document))

    async def drop_policy(self, scope: str) -> None:
        await self._db.execute("dir drop policy", (scope,))

    async def rules(self, scope: str) -> str | None:
        rows = await self._db.execute("dir rules", (scope,))
        return rows[0][0] if rows else None

    async def put_rules(self, scope: str, text: str) -> None:
        await self._db.execute("dir put rules", (scope, text))

    async def drop_rules(self, scope: str) -> None:
        await self._db.execute("dir drop rules", (scope,))

    async def put_process(self, process: Process, ttl: float) -> None:
        values = (process.process_id, process.role, process.http, process.grpc, max(1, round(ttl)))
        await self._db.execute("put process", values)

    async def drop_process(self, process_id: str) -> None:
        await self._db.execute("drop process", (process_id,))

    async def processes(self) -> Sequence[Process]:
        return [Process(*row) for row in await self._db.execute("processes")]


def _domain(row: tuple[str, str, int]) -> Domain:
    return Domain(DomainName(row[0]), TenantName(row[1]), row[2])


def _address(row: tuple[object, ...]) -> AddressRow:
    address, domain, tenant, account, targets, created_us = row
    return AddressRow(
        str(address),
        DomainName(str(domain)),
        TenantName(str(tenant)),
        AccountId(account) if account else None,  # type: ignore[arg-type]
        tuple(orjson.loads(str(targets))),
        int(str(created_us)),
    )
