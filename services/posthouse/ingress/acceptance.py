"""The one way in: what makes a message ours, for `mx` and `submission` alike.

    octets ─▶ stored form ─▶ [1] bodies durable ─▶ [2] mail.accepted acknowledged ─▶ [3] 250

The order is the promise: 250 means kept. Everything before [2] may be repeated or lost without harm: a blob without a
record is swept when its pin ends; a record without a 250 (time-out, lost connection) is a message that the client sends
again under another queue_id (RFC 1047). No path leads to [3] but through the return of `Log.publish`.

A tenant never shares a blob with another: a message for two tenants has two bodies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from posthouse.ingress.policy import NOTHING, Findings, Origin
from posthouse.log.topics import MAIL_ACCEPTED
from posthouse.model.envelope import INLINE_MAX, Accepted, Body, Envelope, Peer, Rcpt
from posthouse.model.errors import MailError
from posthouse.model.ids import QueueId, TenantName
from posthouse.ports.blob_store import BlobStore
from posthouse.ports.clock import Clock
from posthouse.ports.log import Log, Record
from posthouse.protocol.smtp.received import received_line
from posthouse.telemetry.tracing import TraceContext, inject


class DeadlinePassed(MailError):
    """Whether the message is kept is not known; the client is to try again."""

    public = "Could not be stored in time, please try again later"


CROWD = 16
"""Messages waiting for their 250 at once. A few busy senders stay below it, a burst over many connections does not."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message that passed every check."""

    queue_id: QueueId
    peer: Peer
    extended: bool
    reverse_path: str
    rcpts: tuple[Rcpt, ...]
    rcpts_accepted: int
    header: bytes
    """Header block after trimming, with fields that the policy added."""
    rest: bytes | bytearray | memoryview
    """From the empty line on."""
    removed_headers: tuple[bytes, ...]
    findings: Findings = NOTHING


class Acceptance:
    """`encode`: Accepted → the record's octets. `deadline`: seconds from the dot to a 451."""

    def __init__(
        self,
        road: Log,
        blobs: BlobStore,
        clock: Clock,
        encode: Callable[[Accepted], bytes],
        *,
        hostname: str,
        origin: Origin,
        deadline: float = 30.0,
    ) -> None:
        self._log = road
        self._blobs = blobs
        self._clock = clock
        self._encode = encode
        self._hostname = hostname
        self._origin = origin
        self._deadline = deadline
        self.in_flight = 0
        """Messages between their last octet and their answer."""
        self.crowded_at = float("-inf")
        """When CROWD or more of them were last there at once; clock.monotonic."""

    async def accept(self, incoming: Incoming, trace: TraceContext) -> int:
        """Returns the size of the stored form once the message is kept; any exception means "do not say 250".

        Unavailable, DeadlinePassed: temporary. Invalid: it can never be recorded.
        """
        self.in_flight += 1
        if self.in_flight >= CROWD:
            self.crowded_at = self._clock.monotonic()
        try:
            return await self._accept(incoming, trace)
        finally:
            self.in_flight -= 1

    async def _accept(self, incoming: Incoming, trace: TraceContext) -> int:
        now_us = self._clock.now_us()
        rcpts = incoming.rcpts
        first = received_line(
            incoming.peer,
            self._hostname,
            incoming.queue_id,
            now_us,
            extended=incoming.extended,
            rcpt=rcpts[0].address if incoming.rcpts_accepted == 1 else "",
        )
        octets = b"".join((first, incoming.header, incoming.rest))
        try:
            async with asyncio.timeout(self._deadline):
                bodies = await self._keep_bodies(octets, rcpts, incoming.queue_id)  # [1]
                accepted = Accepted(
                    queue_id=incoming.queue_id,
                    envelope=Envelope(incoming.reverse_path, rcpts),
                    peer=incoming.peer,
                    bodies=bodies,
                    received_us=now_us,
                    rcpts_accepted=incoming.rcpts_accepted,
                    origin=self._origin,
                    removed_headers=incoming.removed_headers,
                    authentication=incoming.findings.authentication,
                    authors=incoming.findings.authors,
                    content=incoming.findings.content,
                    listed=incoming.findings.listed,
                )
                key = incoming.queue_id.encode()
                headers: list[tuple[str, bytes]] = [("queue_id", key)]
                inject(trace, headers)
                await self._log.publish(  # [2]
                    [Record(MAIL_ACCEPTED.name, key, self._encode(accepted), tuple(headers))]
                )
        except TimeoutError as error:
            raise DeadlinePassed(f"no acknowledgement within {self._deadline} s") from error
        return len(octets)  # [3]

    async def _keep_bodies(
        self, octets: bytes, rcpts: tuple[Rcpt, ...], queue_id: QueueId
    ) -> tuple[tuple[TenantName, Body], ...]:
        tenants = sorted({rcpt.tenant for rcpt in rcpts})
        size = len(octets)
        # Inline bodies are repeated per tenant: the record must stay small with many of them.
        if size * len(tenants) <= INLINE_MAX or (size <= INLINE_MAX and len(tenants) <= 2):
            return tuple([(tenant, Body(size, octets=octets)) for tenant in tenants])
        if len(tenants) == 1:
            blob = await self._blobs.put(tenants[0], octets, queue_id)
            return ((tenants[0], Body(size, blob=blob)),)
        try:
            async with asyncio.TaskGroup() as group:
                puts = [group.create_task(self._blobs.put(tenant, octets, queue_id)) for tenant in tenants]
        except* MailError as errors:
            raise _first(errors) from None
        return tuple((tenant, Body(size, blob=put.result())) for tenant, put in zip(tenants, puts, strict=True))


def _first(group: BaseExceptionGroup[MailError]) -> MailError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
