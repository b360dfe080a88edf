"""The step that asks the administrator's own rules: of the platform, and of each recipient's tenant and domain.

A tenant's rules see the message with that tenant's recipients alone, and count for these alone. Rules are read through
the directory's cache, so a change holds as soon as that is renewed; compiled ones are kept by their text. A rule set
that breaks is left out and named among the verdict's reasons; the message goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import Final

from posthouse.filter.steps import FilterContext
from posthouse.model.envelope import Accepted, Body, Rcpt
from posthouse.model.errors import Invalid, Unavailable
from posthouse.model.filter_policy import scopes
from posthouse.model.verdict import Verdict
from posthouse.ports.blob_store import BlobStore
from posthouse.ports.directory import Directory
from posthouse.rules.compiled import CompiledRules, Hit, compile_rules
from posthouse.rules.message_view import MessageView, Sender
from posthouse.telemetry.logging import EventLogger
from posthouse.verdicts.rulings import Ruling, ruling

MOST_OCTETS: Final = 1024 * 1024
"""Of a message that rules look at: text comes first. Rules over hashes of attachments get MOST_HASHED."""
MOST_HASHED: Final = 64 * 1024 * 1024
WHOLES: Final = 2
"""Large messages that are in memory as a whole at the same time, for the sake of hashes."""
AT_ONCE: Final = 65_536
"""Octets up to which a message is looked at on the spot; a larger one would hold up the others."""
KEPT: Final = 4 * 1024 * 1024
"""Characters of rules whose compiled form is kept."""

log = EventLogger("posthouse.filter.rules")

Trapped = Callable[[Accepted, Sequence[Rcpt]], Awaitable[None]]
"""Told of mail to a spamtrap, for whoever learns from it: the message, and the recipients of the level that set it."""


class RulesStep:
    """filter.steps.Step. Required: a rule that keeps something out must not be passed over because a store is away."""

    name = "rules"
    required = True
    deadline = 30.0

    def __init__(self, directory: Directory, blobs: BlobStore, trapped: Trapped | None = None) -> None:
        self._directory = directory
        self._blobs = blobs
        self._trapped = trapped
        self._compiled: dict[str, CompiledRules | None] = {}
        self._characters = 0
        self._wholes = asyncio.Semaphore(WHOLES)
        self._compiling = asyncio.Lock()

    async def run(self, context: FilterContext) -> Verdict | None:
        accepted = context.accepted
        rcpts = accepted.envelope.rcpts
        sets: dict[str, CompiledRules | None] = {}
        seen: dict[str, list[Rcpt]] = {}
        for rcpt in rcpts:
            for _, scope in scopes(rcpt.tenant, rcpt.domain, None):
                if scope not in seen:
                    text = await self._directory.rules(scope)
                    if text:
                        sets[scope] = await self._rules(text, scope)
                seen.setdefault(scope, []).append(rcpt)
        if not sets:
            return None
        whole = accepted.bodies[0][1].size > MOST_OCTETS and any(
            each is not None and each.hashes for each in sets.values()
        )
        async with self._turn() if whole else nullcontext():
            found = await self._answers(accepted, sets, seen)
        by_domain: dict[tuple[str, str], Ruling] = {}
        for place, rcpt in enumerate(rcpts):
            key = (rcpt.tenant, rcpt.domain)
            if key not in by_domain:
                by_domain[key] = _ruling(rcpt, found)
            context.rulings[place] = by_domain[key]
        if self._trapped is not None:
            for scope, hits in found.items():
                if ruling(hits or ()).trapped:
                    await self._trapped(accepted, seen[scope])
        return None

    async def _answers(
        self, accepted: Accepted, sets: Mapping[str, CompiledRules | None], seen: Mapping[str, Sequence[Rcpt]]
    ) -> dict[str, tuple[Hit, ...] | None]:
        view = await self._view(accepted, [each for each in sets.values() if each is not None])
        found: dict[str, tuple[Hit, ...] | None] = {}
        for scope, rules in sets.items():
            found[scope] = await self._ask(rules, view.of([rcpt.address for rcpt in seen[scope]]), accepted, scope)
        return found

    async def _ask(
        self, rules: CompiledRules | None, view: MessageView, accepted: Accepted, scope: str
    ) -> tuple[Hit, ...] | None:
        """None = left out."""
        if rules is None:
            return None
        try:
            if not rules.reads_content or accepted.bodies[0][1].size <= AT_ONCE:
                return rules.evaluate(view)
            return await asyncio.to_thread(rules.evaluate, view)
        except Exception as error:  # whatever a message does to a rule set, the mail goes on without it
            log.warning("rules left out", scope=scope, exc_info=error)
            return None

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """For a large message. Unavailable when it is long in coming: others before it are no fault of its own, and it
        must not come to the dead letters for them."""
        try:
            async with asyncio.timeout(self.deadline / 2):
                await self._wholes.acquire()
        except TimeoutError as error:
            raise Unavailable("too many large messages wait to be looked at") from error
        try:
            yield
        finally:
            self._wholes.release()

    async def _rules(self, text: str, scope: str) -> CompiledRules | None:
        if text not in self._compiled:
            async with self._compiling:  # all messages under way meet a change at once
                if text not in self._compiled:
                    self._keep(text, await self._compile(text, scope))
        return self._compiled[text]

    async def _compile(self, text: str, scope: str) -> CompiledRules | None:
        try:
            return await asyncio.to_thread(compile_rules, text)
        except Invalid as error:
            log.warning("rules left out", scope=scope, reason=error.public)
            return None

    def _keep(self, text: str, rules: CompiledRules | None) -> None:
        while self._compiled and self._characters + len(text) > KEPT:
            oldest = next(iter(self._compiled))
            del self._compiled[oldest]
            self._characters -= len(oldest)
        self._compiled[text] = rules
        self._characters += len(text)

    async def _view(self, accepted: Accepted, sets: Sequence[CompiledRules]) -> MessageView:
        peer = accepted.peer
        sender = Sender(accepted.envelope.reverse_path, peer.ip, peer.helo, peer.login)
        if not any(each.reads_content for each in sets):
            return MessageView(b"", sender)
        most = MOST_HASHED if any(each.hashes for each in sets) else MOST_OCTETS
        body = accepted.bodies[0][1]
        return MessageView(await self._octets(body, most), sender, cut=body.size > most)

    async def _octets(self, body: Body, most: int) -> bytes:
        if body.octets is not None:
            return body.octets
        assert body.blob is not None  # the codec lets no body pass that has neither
        if body.size <= most:
            return await self._blobs.get(body.blob)
        return await self._blobs.get_range(body.blob, 0, most)


def _ruling(rcpt: Rcpt, found: dict[str, tuple[Hit, ...] | None]) -> Ruling:
    hits: list[Hit] = []
    left_out = []
    for level, scope in scopes(rcpt.tenant, rcpt.domain, None):
        if scope in found:
            said = found[scope]
            if said is None:
                left_out.append(level)
            else:
                hits += said
    return ruling(hits, left_out)
