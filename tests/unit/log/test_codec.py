"""Records: golden octets (what is written today must stay readable), round trips, and poison."""

import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.events.v1 import envelope_pb2 as pb
from posthouse.log.codec import (
    MAX_RECORD,
    decode_accepted,
    decode_deliver,
    decode_trace,
    encode_accepted,
    encode_deliver,
    encode_trace,
)
from posthouse.model.authentication import AuthenticationResults, AuthResult, SpfResult
from posthouse.model.envelope import Accepted, BlobRef, Body, Deliver, Envelope, Peer, Rcpt
from posthouse.model.errors import Invalid
from posthouse.model.ids import AccountId, BlobId, DeliveryId, DomainName, ModSeq, QueueId, TenantName, Uid
from posthouse.model.reputation import ListHit
from posthouse.model.trace import TraceEvent
from posthouse.model.verdict import Verdict, VerdictKind

ACCOUNT = AccountId(uuid.UUID(int=7))
QUEUE_ID = QueueId("01k9zq3v5a0000000000000001")
RCPT = Rcpt("a+x@example.org", ACCOUNT, "a@example.org", "x", TenantName("t"), DomainName("example.org"), "NEVER", "o")
ACCEPTED = Accepted(
    QUEUE_ID,
    Envelope("s@example.net", (RCPT, Rcpt("b@example.org", None)), True, "HDRS", "e1"),
    Peer("192.0.2.1", "mail.example.net", "TLSv1.3", "s@example.net"),
    (
        (TenantName("t"), Body(3, octets=b"abc")),
        (TenantName("u"), Body(90_000, blob=BlobRef(BlobId(b"b" * 42), TenantName("u"), 90_000))),
    ),
    1_700_000_000_000_000,
    1,
    "submission",
    (b"Return-Path: <x@y>\r\n",),
)
DELIVER = Deliver(
    DeliveryId(b"d" * 16),
    QUEUE_ID,
    ACCOUNT,
    RCPT,
    "s@example.net",
    "",
    Body(3, octets=b"abc"),
    Verdict(VerdictKind.JUNK, 7.5, ("BAYES",)),
    (("X-Posthouse-Spam", "yes"),),
    1,
    2,
    3,
    4,
)
TRACE = TraceEvent(
    QUEUE_ID,
    "delivery",
    "stored",
    9,
    8,
    "h/1",
    DeliveryId(b"d" * 16),
    ACCOUNT,
    "INBOX",
    Uid(5),
    ModSeq(6),
    1,
    2,
    3,
    "r",
)

GOLDEN_ACCEPTED = (
    "0a1a30316b397a713376356130303030303030303030303030303031127d0a0d73406578616d706c652e6e6574124f0a0f61"
    "2b78406578616d706c652e6f72671210000000000000000000000000000000071a0d61406578616d706c652e6f7267220178"
    "2a0174320b6578616d706c652e6f72673a054e4556455242016f120f0a0d62406578616d706c652e6f726718012204484452"
    "532a0265311a350a093139322e302e322e3112106d61696c2e6578616d706c652e6e65741a07544c5376312e33220d734065"
    "78616d706c652e6e6574220c0a0174120708031203616263223e0a017512390890bf051a330a2a6262626262626262626262"
    "626262626262626262626262626262626262626262626262626262626262621201751890bf05288080f9c0c1c4820330013a"
    "0a7375626d697373696f6e421452657475726e2d506174683a203c7840793e0d0a7801"
)
GOLDEN_DELIVER = (
    "0a1064646464646464646464646464646464121a30316b397a7133763561303030303030303030303030303030311a100000"
    "0000000000000000000000000007224f0a0f612b78406578616d706c652e6f72671210000000000000000000000000000000"
    "071a0d61406578616d706c652e6f72672201782a0174320b6578616d706c652e6f72673a054e4556455242016f2a0d734065"
    "78616d706c652e6e65743a070803120361626342120803110000000000001e401a0542415945534a170a10582d506f737468"
    "6f7573652d5370616d120379657350015802600368047801"
)
GOLDEN_TRACE = (
    "0a1a30316b397a713376356130303030303030303030303030303031120864656c69766572791a0673746f72656420092808"
    "3203682f313a10646464646464646464646464646464644210000000000000000000000000000000074a05494e424f585005"
    "5806600168027003780182010172"
)


def test_golden_octets() -> None:
    assert encode_accepted(ACCEPTED).hex() == GOLDEN_ACCEPTED
    assert encode_deliver(DELIVER).hex() == GOLDEN_DELIVER
    assert encode_trace(TRACE).hex() == GOLDEN_TRACE


def test_golden_octets_are_read() -> None:
    assert decode_accepted(bytes.fromhex(GOLDEN_ACCEPTED)) == ACCEPTED
    assert decode_deliver(bytes.fromhex(GOLDEN_DELIVER)) == DELIVER
    assert decode_trace(bytes.fromhex(GOLDEN_TRACE)) == TRACE


def test_a_field_of_a_newer_writer_is_ignored() -> None:
    newer = encode_deliver(DELIVER) + b"\xfa\x01\x03new"  # field 31, length-delimited
    assert decode_deliver(newer) == DELIVER


def test_defaults_survive() -> None:
    event = TraceEvent(QUEUE_ID, "mx", "deferred", 1)
    assert decode_trace(encode_trace(event)) == event


def test_an_empty_body_is_not_a_missing_body() -> None:
    empty = Accepted(QUEUE_ID, Envelope("", (RCPT,)), Peer("", ""), ((TenantName("t"), Body(0, octets=b"")),), 1, 1)
    assert decode_accepted(encode_accepted(empty)) == empty
    looked_at = replace(ACCEPTED, authentication=AuthenticationResults(spf=SpfResult(AuthResult.PASS, "d.example")))
    assert decode_accepted(encode_accepted(looked_at)) == looked_at
    listed = replace(ACCEPTED, listed=(ListHit("zen.example", "127.0.0.2", -4.5, "sbl"),))
    assert decode_accepted(encode_accepted(listed)) == listed
    assert decode_accepted(encode_accepted(ACCEPTED)).authentication is None


@pytest.mark.parametrize("decode", [decode_accepted, decode_deliver, decode_trace])
@given(octets=st.binary(max_size=200))
def test_anything_else_is_invalid(decode, octets: bytes) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Invalid):
        decode(octets)


@given(cut=st.integers(0, 400), flip=st.integers(0, 255), at=st.integers(0, 400))
def test_damaged_records_decode_or_are_invalid(cut: int, flip: int, at: int) -> None:
    octets = bytearray.fromhex(GOLDEN_ACCEPTED)
    octets[at % len(octets)] ^= flip
    try:
        decode_accepted(bytes(octets[: len(octets) - cut % len(octets)]))
    except Invalid:
        pass


def _altered(**fields: object) -> bytes:
    message = pb.Deliver.FromString(encode_deliver(DELIVER))
    for name, value in fields.items():
        setattr(message, name, value)
    return message.SerializeToString()


@pytest.mark.parametrize(
    "octets",
    [
        _altered(schema_v=0),
        _altered(delivery_id=b"short"),
        _altered(account=b""),
        _altered(account=b"short"),
        _altered(queue_id="../../etc/passwd"),
        _altered(queue_id="8" * 26),  # 130 bits: more than the 16 octets behind it
    ],
)
def test_what_makes_a_delivery_must_be_there(octets: bytes) -> None:
    with pytest.raises(Invalid):
        decode_deliver(octets)


def test_bodies_are_checked() -> None:
    message = pb.Deliver.FromString(encode_deliver(DELIVER))
    message.body.size = 4
    with pytest.raises(Invalid, match="says 4"):
        decode_deliver(message.SerializeToString())
    message.body.Clear()
    with pytest.raises(Invalid, match="neither"):
        decode_deliver(message.SerializeToString())
    message.body.blob.blob_id = b"short"
    with pytest.raises(Invalid, match="blob id"):
        decode_deliver(message.SerializeToString())
    with pytest.raises(Invalid, match="neither"):
        encode_deliver(Deliver(DELIVER.delivery_id, QUEUE_ID, ACCOUNT, RCPT, "", "", Body(1)))


def test_an_accepted_message_has_recipients() -> None:
    bare = Accepted(QUEUE_ID, Envelope("", ()), Peer("", ""), (), 1, 0)
    with pytest.raises(Invalid, match="without recipients"):
        decode_accepted(encode_accepted(bare))


def test_an_unknown_verdict_is_refused() -> None:
    message = pb.Deliver.FromString(encode_deliver(DELIVER))
    message.verdict.kind = 99  # type: ignore[assignment]
    with pytest.raises(Invalid, match="verdict"):
        decode_deliver(message.SerializeToString())


def test_what_cannot_be_encoded_is_invalid() -> None:
    odd = Rcpt("\udcff@example.org", ACCOUNT)
    with pytest.raises(Invalid):
        encode_accepted(Accepted(QUEUE_ID, Envelope("", (odd,)), Peer("", ""), (), 1, 1))
    with pytest.raises(Invalid):
        encode_deliver(Deliver(DELIVER.delivery_id, QUEUE_ID, ACCOUNT, odd, "", "", Body(0, octets=b"")))
    assert decode_trace(encode_trace(TraceEvent(QUEUE_ID, "mx", "dead", 1, reason="\udcff"))).reason == "?"


def test_records_are_bounded() -> None:
    with pytest.raises(Invalid, match="octets"):
        encode_deliver(
            Deliver(DELIVER.delivery_id, QUEUE_ID, ACCOUNT, RCPT, "", "", Body(MAX_RECORD, b"x" * MAX_RECORD))
        )


def test_a_verdict_and_what_was_found_out_survive() -> None:
    event = replace(
        TRACE, verdict="junk", score=-2.5, reasons=("content+8.0", "\ud800"), authentication="spf=fail dkim=none"
    )
    assert decode_trace(encode_trace(event)) == replace(event, reasons=("content+8.0", "?"))
    deliver = replace(DELIVER, authentication="spf=fail dkim=none")
    assert decode_deliver(encode_deliver(deliver)) == deliver
