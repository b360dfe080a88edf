"""Records of the log ↔ frozen dataclasses. The only module that imports the generated events, with
authentication_codec.py and content_codec.py.

Decoding trusts nothing: octets that are no record, or a record that lacks what makes it one, are `Invalid` (poison:
straight to the dead letters). Fields that a newer writer added are ignored here and live on in the original octets,
which is what retry topics and dead letters carry.
"""

from __future__ import annotations

import re
import uuid

from google.protobuf.message import DecodeError, EncodeError

from posthouse.events.v1 import envelope_pb2 as pb
from posthouse.events.v1 import trace_pb2
from posthouse.log.authentication_codec import authentication_from_pb, authentication_to_pb
from posthouse.log.content_codec import content_from_pb, content_to_pb
from posthouse.model.envelope import Accepted, BlobRef, Body, Deliver, Envelope, Peer, Rcpt
from posthouse.model.errors import Invalid
from posthouse.model.ids import AccountId, BlobId, DeliveryId, DomainName, ModSeq, QueueId, TenantName, Uid
from posthouse.model.reputation import ListHit
from posthouse.model.trace import TraceEvent
from posthouse.model.verdict import ACCEPT, Verdict, VerdictKind

SCHEMA_V = 1
MAX_RECORD = 1_000_000
"""Octets. Inline bodies end at 16 KiB; the rest is room for recipients. Brokers refuse 1 MiB with its framing."""

_QUEUE_ID = re.compile("[0-7][0-9a-hjkmnp-tv-z]{25}")
_BLOB_ID_LENGTH = 42

_VERDICT_FROM_PB: dict[int, VerdictKind] = {pb.Verdict.Kind.Value(kind.name): kind for kind in VerdictKind}


def encode_accepted(accepted: Accepted) -> bytes:
    """Invalid when a text is not representable (a lone surrogate) or the record is over MAX_RECORD."""
    try:
        envelope = accepted.envelope
        message = pb.Accepted(
            queue_id=accepted.queue_id,
            envelope=pb.Envelope(
                reverse_path=envelope.reverse_path,
                rcpts=[_rcpt_to_pb(rcpt) for rcpt in envelope.rcpts],
                smtputf8=envelope.smtputf8,
                ret=envelope.ret,
                envid=envelope.envid,
            ),
            peer=pb.Peer(
                ip=accepted.peer.ip, helo=accepted.peer.helo, tls=accepted.peer.tls, login=accepted.peer.login
            ),
            bodies=[pb.TenantBody(tenant=tenant, body=_body_to_pb(body)) for tenant, body in accepted.bodies],
            received_us=accepted.received_us,
            rcpts_accepted=accepted.rcpts_accepted,
            origin=accepted.origin,
            removed_headers=accepted.removed_headers,
            authentication=authentication_to_pb(accepted.authentication),
            authors=accepted.authors,
            content=[content_to_pb(finding) for finding in accepted.content],
            listed=[
                pb.ListHit(list=hit.list, code=hit.code, score=hit.score, name=hit.name) for hit in accepted.listed
            ],
            schema_v=SCHEMA_V,
        )
        return _bounded(message.SerializeToString())
    except (EncodeError, ValueError) as error:
        raise Invalid(f"{accepted.queue_id} cannot be encoded: {error}") from error


def decode_accepted(octets: bytes) -> Accepted:
    """Invalid when the octets are no such record."""
    message = pb.Accepted()
    _parse(message, octets)
    envelope, peer = message.envelope, message.peer
    if not envelope.rcpts:
        raise Invalid("an accepted message without recipients")
    return Accepted(
        queue_id=_queue_id(message.queue_id),
        envelope=Envelope(
            reverse_path=envelope.reverse_path,
            rcpts=tuple([_rcpt_from_pb(rcpt) for rcpt in envelope.rcpts]),
            smtputf8=envelope.smtputf8,
            ret=envelope.ret,
            envid=envelope.envid,
        ),
        peer=Peer(peer.ip, peer.helo, peer.tls, peer.login),
        bodies=tuple([(TenantName(each.tenant), _body_from_pb(each.body)) for each in message.bodies]),
        received_us=message.received_us,
        rcpts_accepted=message.rcpts_accepted,
        origin=message.origin,
        removed_headers=tuple(message.removed_headers),
        authentication=authentication_from_pb(message.authentication) if message.HasField("authentication") else None,
        authors=tuple(message.authors),
        content=tuple([content_from_pb(finding) for finding in message.content]),
        listed=tuple([ListHit(hit.list, hit.code, hit.score, hit.name) for hit in message.listed]),
    )


def encode_deliver(deliver: Deliver) -> bytes:
    """Invalid when a text is not representable (a lone surrogate) or the record is over MAX_RECORD."""
    try:
        verdict = deliver.verdict
        message = pb.Deliver(
            delivery_id=deliver.delivery_id,
            queue_id=deliver.queue_id,
            account=deliver.account.bytes,
            rcpt=_rcpt_to_pb(deliver.rcpt),
            reverse_path=deliver.reverse_path,
            login=deliver.login,
            body=_body_to_pb(deliver.body),
            verdict=pb.Verdict(kind=verdict.kind.name, score=verdict.score, reasons=verdict.reasons),
            headers=[pb.Header(name=name, value=value) for name, value in deliver.headers],
            received_us=deliver.received_us,
            filtered_us=deliver.filtered_us,
            attempt=deliver.attempt,
            merged=deliver.merged,
            authentication=deliver.authentication,
            schema_v=SCHEMA_V,
        )
        return _bounded(message.SerializeToString())
    except (EncodeError, ValueError) as error:
        raise Invalid(f"a delivery of {deliver.queue_id} cannot be encoded: {error}") from error


def decode_deliver(octets: bytes) -> Deliver:
    """Invalid when the octets are no such record."""
    message = pb.Deliver()
    _parse(message, octets)
    if len(message.delivery_id) != 16:
        raise Invalid(f"a delivery id of {len(message.delivery_id)} octets")
    account = _account(message.account)
    if account is None:
        raise Invalid("a delivery without account")
    return Deliver(
        delivery_id=DeliveryId(message.delivery_id),
        queue_id=_queue_id(message.queue_id),
        account=account,
        rcpt=_rcpt_from_pb(message.rcpt),
        reverse_path=message.reverse_path,
        login=message.login,
        body=_body_from_pb(message.body),
        verdict=_verdict_from_pb(message.verdict),
        headers=tuple([(header.name, header.value) for header in message.headers]),
        received_us=message.received_us,
        filtered_us=message.filtered_us,
        attempt=message.attempt,
        merged=message.merged,
        authentication=message.authentication,
    )


def encode_trace(event: TraceEvent) -> bytes:
    """Never refuses: what is not representable in a reason or a name is replaced."""
    return trace_pb2.TraceEvent(
        queue_id=event.queue_id,
        stage=event.stage,
        outcome=event.outcome,
        at_us=event.at_us,
        took_us=event.took_us,
        process=event.process,
        delivery_id=event.delivery_id or b"",
        account=event.account.bytes if event.account is not None else b"",
        mailbox=_clean(event.mailbox),
        uid=event.uid or 0,
        modseq=event.modseq or 0,
        received_us=event.received_us,
        filtered_us=event.filtered_us,
        committed_us=event.committed_us,
        reason=_clean(event.reason),
        verdict=event.verdict,
        score=event.score,
        reasons=[_clean(reason) for reason in event.reasons],
        authentication=event.authentication,
        schema_v=SCHEMA_V,
    ).SerializeToString()


def decode_trace(octets: bytes) -> TraceEvent:
    """Invalid when the octets are no such record."""
    message = trace_pb2.TraceEvent()
    _parse(message, octets)
    return TraceEvent(
        queue_id=_queue_id(message.queue_id),
        stage=message.stage,
        outcome=message.outcome,
        at_us=message.at_us,
        took_us=message.took_us,
        process=message.process,
        delivery_id=DeliveryId(message.delivery_id) if message.delivery_id else None,
        account=_account(message.account),
        mailbox=message.mailbox,
        uid=Uid(message.uid) if message.uid else None,
        modseq=ModSeq(message.modseq) if message.modseq else None,
        received_us=message.received_us,
        filtered_us=message.filtered_us,
        committed_us=message.committed_us,
        reason=message.reason,
        verdict=message.verdict,
        score=message.score,
        reasons=tuple(message.reasons),
        authentication=message.authentication,
    )


def _parse(message: pb.Accepted | pb.Deliver | trace_pb2.TraceEvent, octets: bytes) -> None:
    try:
        message.ParseFromString(octets)
    except DecodeError as error:
        raise Invalid(f"no {type(message).__name__}: {error}") from error
    if not message.schema_v:
        # Empty octets parse as an empty message: without this a stray record would pass for a real one.
        raise Invalid(f"no {type(message).__name__}: schema_v is missing")


def _bounded(octets: bytes) -> bytes:
    if len(octets) > MAX_RECORD:
        raise Invalid(f"a record of {len(octets)} octets", public="too many recipients")
    return octets


def _queue_id(text: str) -> QueueId:
    if _QUEUE_ID.fullmatch(text) is None:
        raise Invalid(f"not a queue_id: {text[:40]!r}")
    return QueueId(text)


def _account(octets: bytes) -> AccountId | None:
    if not octets:
        return None
    if len(octets) != 16:
        raise Invalid(f"an account id of {len(octets)} octets")
    return AccountId(uuid.UUID(bytes=octets))


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _body_to_pb(body: Body) -> pb.Body:
    if body.octets is not None:
        return pb.Body(size=body.size, octets=body.octets)
    if body.blob is None:
        raise ValueError("a body with neither octets nor a blob")
    return pb.Body(
        size=body.size, blob=pb.Blob(blob_id=body.blob.blob_id, tenant=body.blob.tenant, size=body.blob.size)
    )


def _body_from_pb(message: pb.Body) -> Body:
    content = message.WhichOneof("content")
    if content == "octets":
        if len(message.octets) != message.size:
            raise Invalid(f"a body of {len(message.octets)} octets that says {message.size}")
        return Body(message.size, octets=message.octets)
    if content == "blob":
        blob = message.blob
        if len(blob.blob_id) != _BLOB_ID_LENGTH:
            raise Invalid(f"a blob id of {len(blob.blob_id)} octets")
        return Body(message.size, blob=BlobRef(BlobId(blob.blob_id), TenantName(blob.tenant), blob.size))
    raise Invalid("a body with neither octets nor a blob")


def _rcpt_to_pb(rcpt: Rcpt) -> pb.Rcpt:
    return pb.Rcpt(
        address=rcpt.address,
        account=rcpt.account.bytes if rcpt.account is not None else b"",
        target=rcpt.target,
        detail=rcpt.detail,
        tenant=rcpt.tenant,
        domain=rcpt.domain,
        notify=rcpt.notify,
        orcpt=rcpt.orcpt,
    )


def _rcpt_from_pb(message: pb.Rcpt) -> Rcpt:
    return Rcpt(
        address=message.address,
        account=_account(message.account),
        target=message.target,
        detail=message.detail,
        tenant=TenantName(message.tenant),
        domain=DomainName(message.domain),
        notify=message.notify,
        orcpt=message.orcpt,
    )


def _verdict_from_pb(message: pb.Verdict) -> Verdict:
    kind = _VERDICT_FROM_PB.get(message.kind)
    if kind is None:
        raise Invalid(f"an unknown verdict: {message.kind}")
    if kind is VerdictKind.ACCEPT and not message.reasons and not message.score:
        return ACCEPT
    return Verdict(kind, message.score, tuple(message.reasons))
