"""The steps about evidence from outside: what DNS lists and reputation say goes to the judge, and what the content
looked like goes to the senders' tallies. Optional throughout; mail with a login and mail of our own is left alone.
"""

from __future__ import annotations

import asyncio
from typing import Final

from posthouse.filter.reputation import Reputation
from posthouse.filter.score import MOST_OCTETS
from posthouse.filter.steps import FilterContext
from posthouse.model.envelope import Accepted, Body
from posthouse.model.reputation import ListHit
from posthouse.model.verdict import Verdict
from posthouse.ports.blob_store import BlobStore
from posthouse.reputation.tally import contributions, subjects_of
from posthouse.runtime.dns_lists import DnsLists
from posthouse.spam.text.links import organisation
from posthouse.spam.text.message import read_message
from posthouse.verdicts.outside import contributions_of

SPARE: Final = 2.0
"""Seconds that the step may take beyond the lists' deadline, for reading the message and the store."""


class OutsideStep:
    """filter.steps.Step, before the judge."""

    name = "outside"
    required = False

    def __init__(
        self,
        blobs: BlobStore,
        lists: DnsLists | None,
        reputation: Reputation | None,
        *,
        deadline: float,
    ) -> None:
        """`deadline`: of the lists. None = nobody is asked."""
        self.deadline = deadline + SPARE
        self._blobs = blobs
        self._lists = lists
        self._reputation = reputation

    async def run(self, context: FilterContext) -> Verdict | None:
        accepted = context.accepted
        if accepted.peer.login:
            return None
        hits = list(accepted.listed)
        context.extra = contributions_of(hits)  # kept, whatever breaks below
        if self._reputation is not None:
            tallies = await self._reputation.of(subjects_of(accepted.peer.ip, accepted.authentication))
            context.extra += contributions(tallies, self._reputation.least)
        if self._lists is not None and self._lists.asks_for_names:
            context.extra += contributions_of(await self._of_names(accepted, self._lists))
        return None

    async def _of_names(self, accepted: Accepted, lists: DnsLists) -> tuple[ListHit, ...]:
        hosts: list[str] = []
        if lists.asks_for_hosts:
            octets = await self._octets(accepted.bodies[0][1])
            # In a thread: a message may take milliseconds to read, and the others are not to wait for it.
            hosts = await asyncio.to_thread(_hosts, octets)
        return await lists.of_names(_sending_domains(accepted), _with_organisations(hosts))

    async def _octets(self, body: Body) -> bytes:
        if body.octets is not None:
            return body.octets
        assert body.blob is not None  # the codec lets no body pass that has neither
        return await self._blobs.get_range(body.blob, 0, min(body.size, MOST_OCTETS))


class ReputationStep:
    """filter.steps.Step, behind the judge. Fed by the content's score alone: lists and reputation that fed reputation
    would confirm themselves, and what one account taught is nobody else's."""

    name = "reputation"
    required = False
    deadline = 5.0

    def __init__(self, reputation: Reputation) -> None:
        self._reputation = reputation

    async def run(self, context: FilterContext) -> Verdict | None:
        accepted = context.accepted
        card = next((card for card in context.scores if card is not None), None)
        if card is not None and not accepted.peer.login:
            subjects = subjects_of(accepted.peer.ip, accepted.authentication)
            self._reputation.count(subjects, spam=card.shared >= card.threshold)
        return None


def _hosts(octets: bytes) -> list[str]:
    message = read_message(octets)
    return [link.host for link in message.links if link.host and not link.numeric]


def _with_organisations(hosts: list[str]) -> list[str]:
    """The registered domains first: most lists know those."""
    return list(dict.fromkeys([*(organisation(host) for host in hosts), *hosts]))


def _sending_domains(accepted: Accepted) -> list[str]:
    """Of author, reverse-path, signatures and greeting; registered domains first."""
    domains = [address.rpartition("@")[2] for address in (*accepted.authors, accepted.envelope.reverse_path) if address]
    if accepted.authentication is not None:
        domains += [each.domain for each in accepted.authentication.dkim if each.domain]
    if not accepted.peer.helo.startswith("["):
        domains.append(accepted.peer.helo)
    return _with_organisations([domain.lower().rstrip(".") for domain in domains if domain])
