"""The directory's rows in the embedded engine: reads on the reader connection (a few µs each), writes by the engine."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Sequence
from dataclasses import replace

import orjson

from posthouse.engines.sqlite import Engine
from posthouse.model.directory import Account, Domain, Process
from posthouse.model.ids import AccountId, DomainName, TenantName
from posthouse.ports.clock import Clock
from posthouse.store.directory.table import AddressRow

SCHEMA = """
CREATE TABLE IF NOT EXISTS dir_domain(
  name TEXT PRIMARY KEY, tenant TEXT NOT NULL, created_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dir_address(
  address TEXT PRIMARY KEY, domain TEXT NOT NULL, tenant TEXT NOT NULL, account BLOB, targets TEXT NOT NULL,
  created_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS dir_address_domain ON dir_address(domain);
CREATE TABLE IF NOT EXISTS dir_account(
  account BLOB PRIMARY KEY, address TEXT NOT NULL, tenant TEXT NOT NULL, password_hash TEXT NOT NULL,
  quota_bytes INTEGER, quota_msgs INTEGER, enabled INTEGER NOT NULL, detail_folders INTEGER NOT NULL,
  created_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dir_tenant_key(tenant TEXT PRIMARY KEY, key BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dir_policy(scope TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dir_rules(scope TEXT PRIMARY KEY, document TEXT NOT NULL);
"""


class SqliteDirectoryTable:
    """ports of table.py on one SQLite file. Live processes are kept in memory: there is only this one."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._processes: dict[str, tuple[float, Process]] = {}
        engine.schema(SCHEMA)

    async def domain(self, name: DomainName) -> Domain | None:
        row = self._engine.reader.execute("SELECT * FROM dir_domain WHERE name = ?", (name,)).fetchone()
        return Domain(*row) if row else None

    async def domains(self) -> Sequence[Domain]:
        return [Domain(*row) for row in self._engine.reader.execute("SELECT * FROM dir_domain")]

    async def claim_domain(self, domain: Domain) -> bool:
        values = (domain.name, domain.tenant, domain.created_us)
        return await self._insert("INSERT OR IGNORE INTO dir_domain VALUES (?, ?, ?)", values)

    async def _insert(self, sql: str, values: tuple[object, ...]) -> bool:
        def operation(connection: sqlite3.Connection) -> bool:
            return connection.execute(sql, values).rowcount == 1

        return await self._engine.submit(operation)

    async def _execute(self, sql: str, values: tuple[object, ...]) -> None:
        def operation(connection: sqlite3.Connection) -> None:
            connection.execute(sql, values)

        await self._engine.submit(operation)

    async def drop_domain(self, name: DomainName) -> None:
        await self._execute("DELETE FROM dir_domain WHERE name = ?", (name,))

    async def address(self, address: str) -> AddressRow | None:
        row = self._engine.reader.execute("SELECT * FROM dir_address WHERE address = ?", (address,)).fetchone()
        return _address(row) if row else None

    async def addresses(self, domain: DomainName | None) -> Sequence[AddressRow]:
        if domain is None:
            rows = self._engine.reader.execute("SELECT * FROM dir_address")
        else:
            rows = self._engine.reader.execute("SELECT * FROM dir_address WHERE domain = ?", (domain,))
        return [_address(row) for row in rows]

    async def claim_address(self, row: AddressRow) -> bool:
        account = row.account.bytes if row.account else None
        values = (row.address, row.domain, row.tenant, account, orjson.dumps(row.targets).decode(), row.created_us)
        return await self._insert("INSERT OR IGNORE INTO dir_address VALUES (?, ?, ?, ?, ?, ?)", values)

    async def drop_address(self, address: str) -> None:
        await self._execute("DELETE FROM dir_address WHERE address = ?", (address,))

    async def account(self, account_id: AccountId) -> Account | None:
        row = self._engine.reader.execute("SELECT * FROM dir_account WHERE account = ?", (account_id.bytes,)).fetchone()
        return _account(row) if row else None

    async def put_account(self, account: Account) -> None:
        await self._execute(
            "INSERT OR REPLACE INTO dir_account VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                account.account_id.bytes,
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
        await self._execute("DELETE FROM dir_account WHERE account = ?", (account_id.bytes,))

    async def claim_tenant_key(self, tenant: TenantName, key: bytes) -> bytes:
        find = "SELECT key FROM dir_tenant_key WHERE tenant = ?"
        row = self._engine.reader.execute(find, (tenant,)).fetchone()
        if row is None:
            await self._insert("INSERT OR IGNORE INTO dir_tenant_key VALUES (?, ?)", (tenant, key))
            row = self._engine.reader.execute(find, (tenant,)).fetchone()
        return bytes(row[0])

    async def policy(self, scope: str) -> str | None:
        row = self._engine.reader.execute("SELECT document FROM dir_policy WHERE scope = ?", (scope,)).fetchone()
        return row[0] if row else None

    async def policies(self) -> Sequence[tuple[str, str]]:
        return list(self._engine.reader.execute("SELECT scope, document FROM dir_policy"))

    async def put_policy(self, scope: str, document: str) -> None:
        await self._execute("INSERT OR REPLACE INTO dir_policy VALUES (?, ?)", (scope, document))

    async def drop_policy(self, scope: str) -> None:
        await self._execute("DELETE FROM dir_policy WHERE scope = ?", (scope,))

    async def rules(self, scope: str) -> str | None:
        row = self._engine.reader.execute("SELECT document FROM dir_rules WHERE scope = ?", (scope,)).fetchone()
        return row[0] if row else None

    async def put_rules(self, scope: str, text: str) -> None:
        await self._execute("INSERT OR REPLACE INTO dir_rules VALUES (?, ?)", (scope, text))

    async def drop_rules(self, scope: str) -> None:
        await self._execute("DELETE FROM dir_rules WHERE scope = ?", (scope,))

    async def put_process(self, process: Process, ttl: float) -> None:
        self._processes[process.process_id] = (self._clock.monotonic() + ttl, process)

    async def drop_process(self, process_id: str) -> None:
        self._processes.pop(process_id, None)

    async def processes(self) -> Sequence[Process]:
        now = self._clock.monotonic()
        self._processes = {k: v for k, v in self._processes.items() if v[0] > now}
        return [process for _, process in self._processes.values()]


def _address(row: tuple[str, str, str, bytes | None, str, int]) -> AddressRow:
    account = AccountId(uuid.UUID(bytes=row[3])) if row[3] else None
    return AddressRow(row[0], DomainName(row[1]), TenantName(row[2]), account, tuple(orjson.loads(row[4])), row[5])


def _account(row: tuple[bytes, str, str, str, int | None, int | None, int, int, int]) -> Account:
    account = Account(AccountId(uuid.UUID(bytes=row[0])), row[1], TenantName(row[2]), *row[3:])  # type: ignore[arg-type]
    return replace(account, enabled=bool(row[6]), detail_folders=bool(row[7]))
