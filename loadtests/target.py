"""Where the load goes: a host and port on loopback, or the ready file that `posthouse up` and `peers.py up` write.

Loopback only, by refusal and not by default: a load generator must not be pointed at somebody's server by a typing
error. For the same reason TLS certificates are not verified: they are self-signed and the peer is this machine.
"""

import argparse
import ipaddress
import json
import resource
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


class NotLoopback(ValueError):
    """The address is not one of this machine's loopback addresses."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A loopback address and port."""

    host: str
    port: int

    def __post_init__(self) -> None:
        try:
            loopback = self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            loopback = False
        if not loopback:
            raise NotLoopback(f"{self.host} is not a loopback address: load goes to this machine only")

    @classmethod
    def parse(cls, text: str) -> "Endpoint":
        """From "127.0.0.1:2525" or "[::1]:2525"."""
        host, _, port = text.rpartition(":")
        return cls(host.strip("[]"), int(port))


@dataclass(frozen=True, slots=True)
class Account:
    address: str
    password: str


@dataclass(frozen=True, slots=True)
class Target:
    """A running server: its listeners by name (mx, submission, submissions, imap, imaps), its accounts, its tree."""

    listeners: dict[str, Endpoint]
    accounts: tuple[Account, ...]
    pids: tuple[int, ...]

    @classmethod
    def from_ready(cls, path: str | Path) -> "Target":
        """From a ready file: pid (one or a list), listeners {name: "host:port"}, accounts [{address, password}]."""
        ready: dict[str, Any] = json.loads(Path(path).read_text())
        # http and other doors that are no part of this are not parsed
        doors = {name: at for name, at in ready["listeners"].items() if name in _MAIL_DOORS and at}
        accounts = tuple(Account(each["address"], each["password"] or "") for each in ready.get("accounts", ()))
        return cls({name: Endpoint.parse(at) for name, at in doors.items()}, accounts, _pids(ready.get("pid")))

    def door(self, name: str) -> Endpoint:
        """The listener of that name; SystemExit names what there is."""
        if name not in self.listeners:
            raise SystemExit(f"the server has no listener {name!r}; it has {', '.join(sorted(self.listeners))}")
        return self.listeners[name]


def _pids(found: int | list[int] | None) -> tuple[int, ...]:
    """A ready file names one process, or the list of those that were started apart."""
    if found is None:
        return ()
    return tuple(found) if isinstance(found, list) else (found,)


_MAIL_DOORS = frozenset({"mx", "submission", "submissions", "imap", "imaps", "lmtp"})


def add_target_arguments(parser: argparse.ArgumentParser, doors: Sequence[str]) -> None:
    """--ready, or a host:port per door; accounts by pattern."""
    parser.add_argument("--ready", metavar="FILE", help="ready file of posthouse up or peers.py up: fills in the rest")
    for door in doors:
        parser.add_argument(f"--{door}", metavar="HOST:PORT", help=f"the {door} listener, a loopback address")
    parser.add_argument("--pid", metavar="PID[,PID…]", help="root(s) of the server's process tree, for CPU and memory")
    parser.add_argument(
        "--accounts",
        metavar="LIST|PATTERN",
        help="recipients and logins: a comma list, or a pattern such as user%%03d@example.org (with --count); "
        "with --ready a number: the first so many of the file",
    )
    parser.add_argument("--count", type=int, default=1, help="how many accounts a pattern stands for (default 1)")
    parser.add_argument("--password-file", metavar="FILE", help="password of the accounts given by --accounts")


def expand_addresses(text: str, count: int) -> list[str]:
    """The comma list, or `count` addresses of a %-pattern counted from 0."""
    if "%" in text:
        return [text % number for number in range(count)]
    return [address for address in text.split(",") if address]


def target_of(args: argparse.Namespace, doors: Sequence[str]) -> Target:
    """The target the arguments name. SystemExit with the reason when they do not suffice or leave loopback."""
    try:
        found = Target.from_ready(args.ready) if args.ready else Target({}, (), ())
        pids = tuple(int(pid) for pid in args.pid.split(",")) if args.pid else found.pids
        given = {door: Endpoint.parse(at) for door in doors if (at := getattr(args, door))}
    except (NotLoopback, ValueError, OSError) as error:
        raise SystemExit(f"error: {error}") from error
    accounts = found.accounts
    if args.accounts and args.accounts.isdigit():
        wanted = int(args.accounts)
        if len(accounts) < wanted:
            raise SystemExit(f"error: {wanted} accounts wanted, the ready file has {len(accounts)}")
        accounts = accounts[:wanted]
    elif args.accounts:
        password = Path(args.password_file).read_text().rstrip("\n") if args.password_file else ""
        accounts = tuple(Account(address, password) for address in expand_addresses(args.accounts, args.count))
    return Target({**found.listeners, **given}, accounts, pids)


@cache
def client_tls() -> ssl.SSLContext:
    """TLS towards a self-signed server on loopback; one for all: making it is slow."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def raise_file_limit(wanted: int) -> None:
    """A thousand connections need a thousand descriptors; the default soft limit is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
