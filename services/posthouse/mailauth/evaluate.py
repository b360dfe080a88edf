"""All of sender authentication for one message: SPF, DKIM, ARC and iprev, then DMARC on what they found, then BIMI.

The checks that wait for the DNS are handed to `run`, which the caller may make concurrent; alone they run one after
another. Nothing raises for what a stranger sends or publishes; a DNS that does not answer makes temperror.

A message has a budget of look-ups and time (the resolver's), and temperror is no failure. So what a stranger can make
long must not spend what the question about the author needs: first the author's policy, then SPF and DKIM (the
author's signatures before others) and DMARC, last HELO, ARC and iprev, whose temperror excuses nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from posthouse.mailauth import bimi
from posthouse.mailauth.arc.verify import verify as verify_arc
from posthouse.mailauth.dkim.keys import KeyCache
from posthouse.mailauth.dkim.message import SignedMessage
from posthouse.mailauth.dkim.policy import DkimPolicy
from posthouse.mailauth.dkim.verify import verify as verify_dkim
from posthouse.mailauth.dmarc.author import author_domains
from posthouse.mailauth.dmarc.evaluate import Evaluation, discover
from posthouse.mailauth.dmarc.evaluate import evaluate as evaluate_dmarc
from posthouse.mailauth.dmarc.record import PolicyRecord
from posthouse.mailauth.dmarc.walk import PublicSuffixes, Walker, parsed_records
from posthouse.mailauth.iprev import check_iprev
from posthouse.mailauth.parsed import ParsedRecords
from posthouse.mailauth.spf.check import check_helo, check_mail_from
from posthouse.model.authentication import (
    ArcResult,
    AuthenticationResults,
    DkimResult,
    IprevResult,
    SpfResult,
)
from posthouse.ports.resolver import Resolver

Job = Callable[[], Awaitable[None]]
Run = Callable[[Sequence[Job]], Awaitable[None]]
"""Runs all jobs and returns when all have ended. The jobs raise nothing."""


async def one_after_another(jobs: Sequence[Job]) -> None:
    for job in jobs:
        await job()


@dataclass(frozen=True, slots=True)
class Client:
    """Who handed the message over, and as what."""

    address: str
    helo: str
    mail_from: str
    """Without brackets; empty = the null sender."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is looked at."""

    receiver: str = "unknown"
    """The name of this host, for the `%{r}` of SPF explanations."""
    helo: bool = True
    arc: bool = True
    iprev: bool = True
    bimi: bool = False
    dkim: DkimPolicy = field(default_factory=DkimPolicy)
    suffixes: PublicSuffixes | None = None
    """Organisational domains by the Public Suffix List instead of the tree walk, for comparison."""


@dataclass(frozen=True, slots=True)
class Caches:
    """What one process keeps between messages."""

    keys: KeyCache = field(default_factory=KeyCache)
    policies: ParsedRecords[PolicyRecord | None] = field(default_factory=parsed_records)


@dataclass(frozen=True, slots=True)
class Findings:
    results: AuthenticationResults
    dmarc: Evaluation
    """With the record that applied, for the aggregate counters."""


async def authenticate(
    octets: bytes | SignedMessage,
    client: Client,
    resolver: Resolver,
    now: float,
    settings: Settings,
    caches: Caches,
    run: Run = one_after_another,
) -> Findings:
    """`octets` is the message as it came over the wire; `now` in seconds since 1970. ValueError if the client's address
    is none."""
    message = octets if isinstance(octets, SignedMessage) else SignedMessage(octets)
    authors, complete = author_domains(message)
    check = _Checks(message, authors, client, resolver, now, settings, caches)
    walker = Walker(resolver, caches.policies, settings.suffixes)
    await discover(authors, walker)
    await run((check.check_dkim, check.check_mail_from))
    dmarc = await evaluate_dmarc(authors, complete, check.spf, check.dkim, walker)
    jobs: list[Job] = []
    if settings.helo:
        jobs.append(check.check_helo)
    if settings.arc:
        jobs.append(check.check_arc)
    if settings.iprev:
        jobs.append(check.check_iprev)
    await run(jobs)
    return Findings(
        AuthenticationResults(
            spf=check.spf,
            helo=check.helo,
            dkim=check.dkim,
            arc=check.arc,
            dmarc=dmarc.result,
            iprev=check.iprev,
            bimi=await bimi.look_up(dmarc.result, resolver) if settings.bimi else None,
        ),
        dmarc,
    )


class _Checks:
    """One message on its way through the checks; each job leaves its result here."""

    __slots__ = (
        "_authors",
        "_caches",
        "_client",
        "_message",
        "_now",
        "_resolver",
        "_settings",
        "arc",
        "dkim",
        "helo",
        "iprev",
        "spf",
    )

    def __init__(
        self,
        message: SignedMessage,
        authors: tuple[str, ...],
        client: Client,
        resolver: Resolver,
        now: float,
        settings: Settings,
        caches: Caches,
    ) -> None:
        self._message = message
        self._authors = authors
        self._client = client
        self._resolver = resolver
        self._now = now
        self._settings = settings
        self._caches = caches
        self.spf: SpfResult | None = None
        self.helo: SpfResult | None = None
        self.dkim: tuple[DkimResult, ...] = ()
        self.arc: ArcResult | None = None
        self.iprev: IprevResult | None = None

    async def check_mail_from(self) -> None:
        self.spf = await check_mail_from(
            self._resolver,
            self._client.address,
            self._client.mail_from,
            self._client.helo,
            receiver=self._settings.receiver,
            timestamp=int(self._now),
        )

    async def check_helo(self) -> None:
        self.helo = await check_helo(
            self._resolver,
            self._client.address,
            self._client.helo,
            receiver=self._settings.receiver,
            timestamp=int(self._now),
        )

    async def check_iprev(self) -> None:
        self.iprev = await check_iprev(self._resolver, self._client.address)

    async def check_dkim(self) -> None:
        self.dkim = await verify_dkim(
            self._message,
            self._resolver,
            self._now,
            policy=self._settings.dkim,
            keys=self._caches.keys,
            author_domains=self._authors,
        )

    async def check_arc(self) -> None:
        self.arc = await verify_arc(
            self._message, self._resolver, self._now, policy=self._settings.dkim, keys=self._caches.keys
        )
