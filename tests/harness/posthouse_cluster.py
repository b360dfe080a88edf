"""Posthouse as a cluster on one machine: several processes of each role over a real Kafka and a real Cassandra.

cluster = PosthouseCluster(run_dir, kafka.bootstrap, cassandra.address, cassandra.port)
await cluster.start()
accounts = await cluster.add_accounts(8)
cluster.of("mailstore")[0].kill()

Each cluster has a keyspace and a topic prefix of its own. Ports are fixed per process, so that a restarted one is where
it was. Methods without `async` block; from a coroutine call those of the processes by `asyncio.to_thread`.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher

from harness.ports import free_port
from harness.posthouse_process import PosthouseProcess
from harness.versitygw import VersityGw
from posthouse.composition.cluster import Cluster, make_schema, open_cluster
from posthouse.composition.process import COMMON
from posthouse.held.mail import HeldMail
from posthouse.ledger.audit import Audit, AuditReport
from posthouse.model.directory import DEFAULT_TENANT, Account, Domain
from posthouse.model.ids import AccountId, DomainName, MailboxId
from posthouse.model.mailbox import SPECIAL_USE
from posthouse.runtime.settings import Schema, Settings
from posthouse.runtime.settings_load import load

DOMAIN = DomainName("cluster.test")
PASSWORD = "correct horse"
# The least that argon2 takes: what the hash costs is not what these tests are about.
PASSWORD_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
LISTENERS = {"mx": ("mx.port",), "submission": ("submission.port",), "mailstore": ("mailstore.port",)}
LISTENERS["imap"] = ("imap.port",)
ROLES = {"mailstore": 2, "filter": 2, "delivery": 2, "mx": 2, "imap": 2}


@dataclass(frozen=True, slots=True)
class Person:
    """An account with a login."""

    address: str
    password: str
    account: AccountId


class PosthouseCluster:
    """`roles` says how many processes of each; `settings` (`section.key` → TOML) are added to those of the harness."""

    def __init__(
        self,
        run_dir: Path,
        bootstrap: str,
        cassandra_host: str,
        cassandra_port: int,
        *,
        roles: Mapping[str, int] = ROLES,
        s3: VersityGw | None = None,
        settings: Mapping[str, str] | None = None,
        replication: int = 1,
        partitions: int = 4,
    ) -> None:
        name = uuid.uuid4().hex[:10]
        self.name = f"posthouse-{name}"
        self.home = run_dir / self.name
        self.home.mkdir(parents=True)
        self.config = self.home / "cluster.toml"
        hosts = cassandra_host.split(",")
        values = {
            "kafka.bootstrap": _list(bootstrap.split(",")),
            "kafka.prefix": f'"{name}."',
            "kafka.replication": str(replication),
            "kafka.partitions": str(partitions),
            "cassandra.hosts": _list(hosts),
            "cassandra.port": str(cassandra_port),
            "cassandra.keyspace": f'"posthouse_{name}"',
            "cassandra.replication": str(replication),
            "telemetry.log_format": '"json"',
            "smtp.hostname": '"mx.cluster.test"',
            "imap.insecure_loopback_auth": "true",
            "lifecycle.drain": "10",
            **({} if s3 is None else _s3(s3, name, self.home)),
            **(settings or {}),
        }
        self.config.write_text(_toml(values))
        self.processes: dict[str, PosthouseProcess] = {}
        for role, count in roles.items():
            for number in range(1, count + 1):
                self.add(role, f"{role}{number}")

    def add(self, role: str, name: str, **overrides: str) -> PosthouseProcess:
        """One more process, not started yet. `overrides` are settings of it alone, `section__key` → value."""
        chosen = {key: f"{free_port()}" for key in LISTENERS.get(role, ())}
        chosen["http.port"] = f"{free_port()}"
        chosen |= {f"{key.split('.')[0]}.host": "127.0.0.1" for key in LISTENERS.get(role, ())}
        chosen |= {key.replace("__", "."): value for key, value in overrides.items()}
        arguments = ["--config", str(self.config)]
        for key, value in chosen.items():
            arguments += ["--set", f"{key}={value}"]
        process = self.processes[name] = PosthouseProcess(f"posthouse.{role}", name, self.home, arguments)
        return process

    def remove(self, name: str) -> None:
        """Ends a process in good order, or kills it if it does not run well, for good."""
        process = self.processes.pop(name)
        if process.running:
            process.stop()

    def of(self, role: str) -> list[PosthouseProcess]:
        """The processes of a role, in order."""
        return [process for process in self.processes.values() if process.module == f"posthouse.{role}"]

    @property
    def settings(self) -> Settings:
        """The settings that all processes share."""
        ignore = frozenset({"smtp", "imap", "mx", "submission", "filter", "delivery", "mailstore", "data"})
        return load(Schema(COMMON), self.config, {}, [], ignore=ignore)

    async def start(self) -> None:
        """Makes keyspace, topics and domain, then starts every process."""
        await make_schema(self.settings)
        async with self.adapters(own_mail_store=True) as opened:
            postmaster = await _make_account(opened, f"postmaster@{DOMAIN}", None)
            await opened.adapters.directory.add_domain(Domain(DOMAIN, DEFAULT_TENANT), postmaster)
        await asyncio.to_thread(self.start_processes)

    def start_processes(self) -> None:
        """Starts what does not run, all at once; returns when all are ready."""
        for process in self.processes.values():
            if not process.running:
                process.launch()
        self.wait_ready()

    def wait_ready(self) -> None:
        """Returns when every process is ready."""
        for process in self.processes.values():
            process.wait_ready()

    def recover(self) -> None:
        """Wakes the frozen and starts the dead."""
        for process in self.processes.values():
            if process.running:
                process.resume()
        self.start_processes()

    def close(self) -> None:
        """Ends every process at the end of the run."""
        for process in self.processes.values():
            process.close()

    def stop(self) -> list[int]:
        """Ends every process in good order, all at once; the exit codes."""
        running = [process for process in self.processes.values() if process.running]
        with ThreadPoolExecutor(len(running)) as pool:
            return list(pool.map(PosthouseProcess.stop, running))

    @asynccontextmanager
    async def adapters(self, *, own_mail_store: bool = False) -> AsyncIterator[Cluster]:
        """The ports as any process has them; the mail store by gRPC, or straight on Cassandra."""
        async with open_cluster(self.settings, own_mail_store=own_mail_store) as opened:
            yield opened

    async def add_accounts(
        self, count: int, *, quota_bytes: int | None = None, opened: Cluster | None = None
    ) -> list[Person]:
        """Accounts with names that nobody else has; login by Person.password."""
        if opened is None:
            async with self.adapters() as own:
                return await self.add_accounts(count, quota_bytes=quota_bytes, opened=own)
        people = []
        for _ in range(count):
            account = await _make_account(opened, f"u{uuid.uuid4().hex[:12]}@{DOMAIN}", quota_bytes)
            await opened.adapters.directory.add_account(account)
            people.append(Person(account.address, PASSWORD, account.account_id))
        return people

    def mx_addresses(self) -> list[tuple[str, int]]:
        """Where the mx processes listen, whether they run now or not."""
        return [("127.0.0.1", _port(process, "mx.port")) for process in self.of("mx")]

    def imap_addresses(self) -> list[tuple[str, int]]:
        """Where the imap processes listen, whether they run now or not."""
        return [("127.0.0.1", _port(process, "imap.port")) for process in self.of("imap")]

    def mailstore_addresses(self) -> list[str]:
        """host:port of the mailstore processes."""
        return [f"127.0.0.1:{_port(process, 'mailstore.port')}" for process in self.of("mailstore")]


async def audit(opened: Cluster) -> AuditReport:
    """The ledger of everything that the cluster has accepted."""
    ports = opened.adapters
    held = HeldMail(ports.mail_store, ports.blobs, ports.log, ports.clock, ports.ids)
    return await Audit(ports.log, ports.mail_store, held).run(0, 1 << 62)


async def _make_account(opened: Cluster, address: str, quota_bytes: int | None) -> Account:
    account = AccountId(uuid.uuid4())
    folders = [(use[1:], use, MailboxId(uuid.uuid4())) for use in SPECIAL_USE]
    await opened.adapters.mail_store.create_account(account, folders)
    return Account(account, address, DEFAULT_TENANT, PASSWORD_HASH, quota_bytes)


def _port(process: PosthouseProcess, key: str) -> int:
    [value] = [it for it in process.arguments if it.startswith(f"{key}=")]
    return int(value.partition("=")[2])


def _s3(s3: VersityGw, prefix: str, home: Path) -> dict[str, str]:
    values = {"endpoint": s3.endpoint, "region": s3.region, "bucket": s3.bucket, "prefix": prefix}
    for name, secret in (("access_key", s3.key), ("secret_key", s3.secret)):
        file = home / name
        file.touch(mode=0o600)
        file.write_text(secret)
        values[f"{name}_file"] = str(file)
    return {"blob.store": '"s3"', "s3.allow_http": "true", **{f"s3.{key}": f'"{v}"' for key, v in values.items()}}


def _list(values: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def _toml(values: Mapping[str, str]) -> str:
    sections: dict[str, list[str]] = {}
    for key, value in values.items():
        section, _, name = key.partition(".")
        sections.setdefault(section, []).append(f"{name} = {value}\n")
    return "\n".join(f"[{section}]\n{''.join(lines)}" for section, lines in sections.items())
