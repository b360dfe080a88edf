"""Who is that: logins with a password, for submission and IMAP alike.

    account = await authenticator.verify(login, password, peer_ip)

Invariants
- What a stranger can learn: nothing but "wrong". An unknown login costs the same work as a wrong password.
- Failures are throttled per account and per address; a throttled attempt is not looked at, right or wrong.
- Who leaves before the answer is charged as who stays: a wrong password costs, a right one does not; an attempt that no
  thread has begun costs nothing, having told nothing.
- argon2 runs in a few threads of its own behind a bounded queue: a flood of logins slows logins, not mail.
- A success is remembered for a short time under a keyed hash of login, password *and* address, so that it can neither
  be read out nor be used to guess from elsewhere around the throttle; it ends with the account's password or switch.

Not done here: the mechanisms (`protocol.sasl`), where passwords may travel (the listeners), second factors.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from posthouse.model.directory import Account
from posthouse.model.errors import AuthenticationFailed, AuthenticationThrottled, MailError, Unavailable
from posthouse.ports.clock import Clock
from posthouse.ports.directory import Directory
from posthouse.runtime.component import Component
from posthouse.runtime.limiter import address_group
from posthouse.runtime.passwords import STAND_IN, matches
from posthouse.runtime.throttle import TokenBuckets
from posthouse.telemetry.logging import EventLogger
from posthouse.telemetry.metric_names import AUTHENTICATIONS
from posthouse.telemetry.metrics import Metrics
from posthouse.telemetry.redaction import Personal

log = EventLogger("posthouse.authentication")

_MAX_PASSWORD: Final = 1024
"""Characters; nobody types more, and argon2 reads them all."""


class Authenticator(Component):
    """`threads`: argon2 at once. `queue`: attempts waiting for them, beyond which the answer is "try again".
    `account_burst`/`account_interval`, `address_…`: failures allowed at once, and seconds until one more is.
    `remember`: seconds that a success is remembered; `key`: secret of the process, 32 octets."""

    name = "authentication"

    def __init__(
        self,
        directory: Directory,
        clock: Clock,
        key: bytes,
        *,
        threads: int = 2,
        queue: int = 64,
        account_burst: int = 10,
        account_interval: float = 30.0,
        address_burst: int = 30,
        address_interval: float = 10.0,
        remember: float = 60.0,
        capacity: int = 10_000,
        check: Callable[[str, str], bool] = matches,
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._key = key
        self._queue = queue + threads
        self._pending = 0
        self._by_account = TokenBuckets(account_burst, account_interval)
        self._by_address = TokenBuckets(address_burst, address_interval)
        self._remember = remember
        self._capacity = capacity
        self._known: OrderedDict[bytes, tuple[float, str]] = OrderedDict()
        self._under_way: dict[bytes, asyncio.Future[None]] = {}
        self._check = check
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="argon2")

    async def stop(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def verify(self, login: str, password: str, peer_ip: str) -> Account:
        """The account of that login. AuthenticationFailed; AuthenticationThrottled, also when too many wait;
        Unavailable when the directory cannot be asked (nothing is charged then)."""
        login = login.strip().lower()
        now = self._clock.monotonic()
        group = address_group(peer_ip)
        if self._by_address.wait(group, now) > 0:
            raise AuthenticationThrottled("too many failures from one address")
        account = await self._directory.account_by_address(login)
        usable = account is not None and account.enabled and bool(account.password_hash)
        password_hash = account.password_hash if account is not None and usable else STAND_IN
        ticket = self._ticket(login, password, group)
        # A client that opens a dozen connections at once makes one attempt, not twelve.
        while (same := self._under_way.get(ticket)) is not None:
            await asyncio.wait([same])
        if account is not None and self._remembered(ticket, password_hash, now):
            # Before the account's throttle: guesses from elsewhere must not lock out who is at work here.
            return account
        ended = self._under_way[ticket] = asyncio.get_running_loop().create_future()
        try:
            return await self._attempt(account, login, password, password_hash, group, ticket)
        finally:
            del self._under_way[ticket]
            ended.set_result(None)

    async def _attempt(
        self, account: Account | None, login: str, password: str, password_hash: str, group: str, ticket: bytes
    ) -> Account:
        now = self._clock.monotonic()
        usable = password_hash is not STAND_IN
        name = account.address if account is not None else login
        # Taken before the work and given back after a success, so that guesses in parallel are counted too.
        if not self._by_account.take(name, now):
            raise AuthenticationThrottled("too many failures of one account")
        if not self._by_address.take(group, now):  # others took the last ones since verify() looked
            self._by_account.give_back(name)
            raise AuthenticationThrottled("too many failures from one address")
        right = len(password) <= _MAX_PASSWORD and await self._work(password_hash, password, group, name)
        if account is None or not usable or not right:
            raise AuthenticationFailed("unknown login" if account is None else "wrong password or no login allowed")
        self._forgive(group, name)
        self._known[ticket] = (now + self._remember, password_hash)
        self._known.move_to_end(ticket)
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)
        return account

    def _forgive(self, group: str, name: str) -> None:
        self._by_address.give_back(group)
        self._by_account.give_back(name)

    def _ticket(self, login: str, password: str, group: str) -> bytes:
        text = "\0".join((login, group, password)).encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, text, hashlib.sha256)

    def _remembered(self, ticket: bytes, password_hash: str, now: float) -> bool:
        known = self._known.get(ticket)
        return known is not None and known[0] > now and hmac.compare_digest(known[1], password_hash)

    async def _work(self, password_hash: str, password: str, group: str, name: str) -> bool:
        """Whether it is right, as a thread says. Forgives what was not looked at."""
        if self._pending >= self._queue:
            self._forgive(group, name)
            raise AuthenticationThrottled("too many logins at once")
        loop = asyncio.get_running_loop()
        self._pending += 1
        work = self._threads.submit(self._check, password_hash, password)
        try:
            right = await asyncio.wrap_future(work)
        except asyncio.CancelledError:
            # The client has left. What a thread has begun goes on, and only its end says what the attempt costs.

            def settle() -> None:
                self._pending -= 1
                if work.cancelled() or (work.exception() is None and work.result() and password_hash is not STAND_IN):
                    self._forgive(group, name)

            def ended(_: object) -> None:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(settle)

            work.cancel()
            work.add_done_callback(ended)
            raise
        except BaseException:
            self._pending -= 1
            raise
        self._pending -= 1
        return right


class CountedAuthenticator:
    """Counts the outcomes for one process label (`submission`, `imap`), and logs each refusal with the peer's address:
    the line that who guards the network looks for. Never the password; the login hashed, unless addresses may be
    written."""

    def __init__(self, authenticator: Authenticator, metrics: Metrics, process: str) -> None:
        self._authenticator = authenticator
        self._process = process
        self._outcomes = {
            outcome: metrics.counter(AUTHENTICATIONS, process, outcome)
            for outcome in ("ok", "failed", "throttled", "unavailable")
        }

    async def verify(self, login: str, password: str, peer_ip: str) -> Account:
        """As `Authenticator.verify`."""
        try:
            account = await self._authenticator.verify(login, password, peer_ip)
        except AuthenticationFailed as error:
            self._refused("failed", error, login, peer_ip)
            raise
        except AuthenticationThrottled as error:
            self._refused("throttled", error, login, peer_ip)
            raise
        except Unavailable:
            self._outcomes["unavailable"].value += 1
            raise
        self._outcomes["ok"].value += 1
        return account

    def _refused(self, outcome: str, error: MailError, login: str, peer_ip: str) -> None:
        self._outcomes[outcome].value += 1
        log.warning(
            "login refused",
            service=self._process,
            peer=peer_ip,
            outcome=outcome,
            reason=error.reason,
            login=Personal(login.strip().lower()),
        )
