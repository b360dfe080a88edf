import asyncio
import io
import json
import re
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from harness.fake_ports import FakeDirectory
from harness.manual_clock import ManualClock
from harness.waiting import until
from posthouse.model.directory import Account
from posthouse.model.errors import AuthenticationFailed, AuthenticationThrottled, Unavailable
from posthouse.runtime.authentication import Authenticator, CountedAuthenticator
from posthouse.runtime.passwords import STAND_IN
from posthouse.telemetry.logging import Log
from posthouse.telemetry.metric_names import AUTHENTICATIONS
from posthouse.telemetry.metrics import Metrics
from posthouse.telemetry.redaction import Redactor

FAIL2BAN = '"event":"login refused","service":"[a-z]+","peer":"<HOST>"'
"""Of the guide for operators."""


class Bench:
    """An authenticator whose hashes are the passwords themselves, and that records every check."""

    def __init__(self, **settings: object) -> None:
        self.directory = FakeDirectory()
        self.alice = self.directory.add("alice@example.org", password_hash="right")
        self.clock = ManualClock()
        self.checks: list[tuple[str, str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.authenticator = Authenticator(
            self.directory,
            self.clock,
            b"k" * 32,
            check=self.check,
            **settings,  # type: ignore[arg-type]
        )

    def check(self, password_hash: str, password: str) -> bool:
        self.checks.append((password_hash, password))
        self.gate.wait(5)
        return password_hash == password

    async def verify(self, password: str = "right", login: str = "alice@example.org", ip: str = "192.0.2.1") -> Account:
        return await self.authenticator.verify(login, password, ip)

    async def fails(self, password: str = "wrong", login: str = "alice@example.org", ip: str = "192.0.2.1") -> None:
        with pytest.raises(AuthenticationFailed):
            await self.verify(password, login, ip)


async def test_right_and_wrong() -> None:
    bench = Bench()
    assert await bench.verify(login=" Alice@Example.ORG") == bench.alice
    await bench.fails()


@pytest.mark.parametrize("login", ["nobody@example.org", "", "not an address"])
async def test_an_unknown_login_costs_the_same_work(login: str) -> None:
    bench = Bench()
    await bench.fails(login=login)
    assert bench.checks == [(STAND_IN, "wrong")]


@pytest.mark.parametrize("change", [{"enabled": False}, {"password_hash": ""}])
async def test_accounts_without_a_login(change: dict[str, object]) -> None:
    bench = Bench()
    bench.directory.by_address["alice@example.org"] = [replace(bench.alice, **change)]  # type: ignore[arg-type]
    await bench.fails("right")
    assert bench.checks == [(STAND_IN, "right")]


async def test_a_success_is_remembered_for_a_while_at_that_address_only() -> None:
    bench = Bench(remember=60)
    await bench.verify()
    await bench.verify()
    assert len(bench.checks) == 1
    await bench.verify(ip="192.0.2.2")
    assert len(bench.checks) == 2
    await bench.clock.advance(61)
    await bench.verify()
    assert len(bench.checks) == 3


@pytest.mark.parametrize("change", [{"enabled": False}, {"password_hash": "new"}])
async def test_what_is_remembered_ends_with_the_password(change: dict[str, object]) -> None:
    bench = Bench()
    await bench.verify()
    bench.directory.by_address["alice@example.org"] = [replace(bench.alice, **change)]  # type: ignore[arg-type]
    await bench.fails("right")


async def test_failures_of_one_account_are_throttled_from_everywhere() -> None:
    bench = Bench(account_burst=3, account_interval=30)
    for n in range(3):
        await bench.fails(ip=f"192.0.2.{n}")
    with pytest.raises(AuthenticationThrottled):
        await bench.verify("right", ip="192.0.2.99")
    assert len(bench.checks) == 3
    await bench.clock.advance(30)
    await bench.verify(ip="192.0.2.99")


async def test_guessing_from_elsewhere_does_not_lock_out_who_is_at_work() -> None:
    bench = Bench(account_burst=3)
    await bench.verify(ip="192.0.2.1")
    for n in range(3):
        await bench.fails(ip=f"198.51.100.{n}")
    assert await bench.verify(ip="192.0.2.1") == bench.alice


async def test_failures_of_one_address_are_throttled_over_all_accounts() -> None:
    bench = Bench(address_burst=3)
    for n in range(3):
        await bench.fails(login=f"user{n}@example.org")
    with pytest.raises(AuthenticationThrottled):
        await bench.verify()
    await bench.verify(ip="192.0.2.2")


async def test_one_ipv6_network_is_one_address() -> None:
    bench = Bench(address_burst=3)
    for n in range(3):
        await bench.fails(login=f"user{n}@example.org", ip=f"2001:db8:1:2::{n}")
    with pytest.raises(AuthenticationThrottled):
        await bench.verify(ip="2001:db8:1:2:ffff::")


async def test_successes_are_not_charged() -> None:
    bench = Bench(account_burst=2, address_burst=2, remember=0)
    for _ in range(10):
        await bench.verify()


async def test_one_client_with_many_connections_makes_one_attempt() -> None:
    bench = Bench(account_burst=3, queue=1, threads=1)
    bench.gate.clear()
    logins = [asyncio.ensure_future(bench.verify()) for _ in range(20)]
    await asyncio.sleep(0)
    bench.gate.set()
    assert await asyncio.gather(*logins) == [bench.alice] * 20
    assert len(bench.checks) == 1


async def test_the_same_wrong_guess_in_parallel_is_charged_each_time() -> None:
    bench = Bench(account_burst=3)
    outcomes = await asyncio.gather(*[bench.verify("wrong") for _ in range(6)], return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(AuthenticationFailed) == 3
    assert len(bench.checks) == 3


async def test_guesses_in_parallel_are_counted() -> None:
    bench = Bench(account_burst=3, queue=100)
    bench.gate.clear()
    async with asyncio.TaskGroup() as group:
        tries = [group.create_task(outcome(bench, f"guess{n}")) for n in range(10)]
        await asyncio.sleep(0)
        bench.gate.set()
    assert [t.result() for t in tries].count("failed") == 3
    assert len(bench.checks) == 3


async def outcome(bench: Bench, password: str) -> str:
    try:
        await bench.verify(password)
    except AuthenticationFailed:
        return "failed"
    except AuthenticationThrottled:
        return "throttled"
    return "ok"


async def test_the_queue_is_bounded_and_being_turned_away_is_no_failure() -> None:
    bench = Bench(threads=1, queue=1, account_burst=3)
    bench.gate.clear()
    async with asyncio.TaskGroup() as group:
        tries = [group.create_task(outcome(bench, f"guess {n}")) for n in range(5)]
        await asyncio.sleep(0)
        bench.gate.set()
    assert sorted(t.result() for t in tries) == ["failed", "failed", "throttled", "throttled", "throttled"]
    await bench.fails()
    assert await outcome(bench, "right") == "throttled"


async def test_an_unreachable_directory_is_no_failure() -> None:
    bench = Bench(account_burst=1)
    bench.directory.fail = Unavailable("down")
    with pytest.raises(Unavailable):
        await bench.verify()
    bench.directory.fail = None
    await bench.verify()


async def test_endless_passwords_are_not_hashed() -> None:
    bench = Bench()
    await bench.fails("x" * 1025)
    assert bench.checks == []


async def test_outcomes_are_counted() -> None:
    bench, metrics = Bench(account_burst=1), Metrics()
    counted = CountedAuthenticator(bench.authenticator, metrics, "imap")
    await counted.verify("alice@example.org", "right", "192.0.2.1")
    with pytest.raises(AuthenticationFailed):
        await counted.verify("bob@example.org", "wrong", "192.0.2.1")
    with pytest.raises(AuthenticationThrottled):
        await counted.verify("bob@example.org", "wrong", "192.0.2.1")
    bench.directory.fail = Unavailable("down")
    with pytest.raises(Unavailable):
        await counted.verify("alice@example.org", "right", "192.0.2.1")
    for name in ("ok", "failed", "throttled", "unavailable"):
        assert metrics.counter(AUTHENTICATIONS, "imap", name).value == 1


async def cancelled(bench: Bench, password: str) -> None:
    """A client that leaves while a thread looks at its password."""
    bench.gate.clear()
    task = asyncio.create_task(bench.verify(password))
    seen = len(bench.checks)
    await until(lambda: len(bench.checks) > seen)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    bench.gate.set()
    await until(lambda: bench.authenticator._pending == 0)


async def test_who_leaves_early_is_not_locked_out_with_the_right_password() -> None:
    bench = Bench(account_burst=2, account_interval=30, address_burst=2, address_interval=30)
    for _ in range(3):
        await cancelled(bench, "right")
    assert await bench.verify() == bench.alice


async def test_who_leaves_early_does_not_get_around_the_throttle() -> None:
    bench = Bench(account_burst=2, account_interval=30)
    for password in ("one", "two"):
        await cancelled(bench, password)
    with pytest.raises(AuthenticationThrottled):
        await bench.verify("three")


async def test_who_leaves_before_a_thread_was_free_has_tried_nothing() -> None:
    bench = Bench(threads=1, account_burst=2, account_interval=30)
    bench.gate.clear()
    first = asyncio.create_task(bench.verify("wrong"))
    await until(lambda: len(bench.checks) == 1)
    second = asyncio.create_task(bench.verify("guess"))
    await until(lambda: bench.authenticator._pending == 2)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    bench.gate.set()
    with pytest.raises(AuthenticationFailed):
        await first
    assert [password for _, password in bench.checks] == ["wrong"]
    assert await bench.verify() == bench.alice


async def test_guesses_from_one_address_at_once_do_not_outrun_its_throttle() -> None:
    """Each looks at the address's bucket, waits for the directory, and takes its token only then."""
    bench = Bench(address_burst=3, address_interval=30, queue=50)
    asked = asyncio.Event()
    look_up = bench.directory.account_by_address

    async def slow(address: str) -> Account | None:
        await asked.wait()
        return await look_up(address)

    bench.directory.account_by_address = slow  # type: ignore[method-assign]
    guesses = [asyncio.create_task(bench.verify("wrong", f"user{n}@example.org")) for n in range(10)]
    await asyncio.sleep(0)
    asked.set()
    results = await asyncio.gather(*guesses, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == [
        *["AuthenticationFailed"] * 3,
        *["AuthenticationThrottled"] * 7,
    ]
    assert len(bench.checks) == 3


@pytest.mark.parametrize("service", ["imap", "submission"])
@pytest.mark.parametrize("addresses", [False, True])
async def test_a_refused_login_is_logged_with_its_peer(service: str, addresses: bool) -> None:
    bench, stream = Bench(account_burst=1), io.StringIO()
    redactor = Redactor(b"key", addresses=addresses)
    log = Log(stream=stream, redactor=redactor)
    try:
        counted = CountedAuthenticator(bench.authenticator, Metrics(), service)
        await counted.verify("alice@example.org", "right", "192.0.2.1")
        with pytest.raises(AuthenticationFailed):
            await counted.verify("Bob@example.org", "hunter22", "2001:db8::7")
        with pytest.raises(AuthenticationThrottled):
            await counted.verify("bob@example.org", "hunter22", "192.0.2.9")
        with pytest.raises(AuthenticationFailed):
            await counted.verify("secret typed here", "x", "192.0.2.9")
    finally:
        log.close()
    text = stream.getvalue()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(it["event"], it["service"], it["outcome"], it["peer"]) for it in lines] == [
        ("login refused", service, "failed", "2001:db8::7"),
        ("login refused", service, "throttled", "192.0.2.9"),
        ("login refused", service, "failed", "192.0.2.9"),
    ]
    assert lines[0]["login"] == lines[1]["login"] == redactor.address("bob@example.org")
    assert "hunter22" not in text
    assert ("bob@example.org" in text) is addresses
    assert ("secret typed here" in text) is addresses
    assert (
        re.search(FAIL2BAN.replace("<HOST>", r"(?P<host>[0-9a-f.:]+)"), text.splitlines()[0]).group("host")
        == "2001:db8::7"
    )  # type: ignore[union-attr]


def test_the_guide_has_the_pattern_that_was_tested() -> None:
    guide = Path(__file__).parents[3] / "docs" / "guides" / "operators.md"
    assert f"failregex = {FAIL2BAN}\n" in guide.read_text()
