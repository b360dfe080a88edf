"""From an accepted message to its deliveries."""

import uuid
from dataclasses import replace

import pytest

from posthouse.model.authentication import AuthenticationResults, AuthResult, SpfResult
from posthouse.model.envelope import Accepted, Body, Envelope, Peer, Rcpt
from posthouse.model.errors import Invalid
from posthouse.model.ids import AccountId, QueueId, TenantName, delivery_id
from posthouse.model.routing import SAFE_AGE, delivery_ids, route, too_old
from posthouse.model.verdict import ACCEPT, Verdict, VerdictKind

QUEUE_ID = QueueId("01k9zq3v5a0000000000000001")
ANN, BOB = AccountId(uuid.UUID(int=1)), AccountId(uuid.UUID(int=2))
T, U = TenantName("t"), TenantName("u")
BODIES = ((T, Body(1, octets=b"t")), (U, Body(1, octets=b"u")))


def rcpt(account: AccountId | None, detail: str = "", tenant: TenantName = T, address: str = "x@y") -> Rcpt:
    return Rcpt(address, account, "target@y", detail, tenant)


def accepted(*rcpts: Rcpt) -> Accepted:
    return Accepted(QUEUE_ID, Envelope("from@y", rcpts), Peer("", "", login="me@y"), BODIES, 5, len(rcpts))


def test_one_delivery_per_account_and_detail() -> None:
    message = accepted(
        rcpt(ANN, address="first@y"),
        rcpt(BOB, tenant=U),
        rcpt(ANN, address="alias@y"),
        rcpt(ANN, "Lists"),
        rcpt(ANN, "lists"),
    )
    deliveries = route(message, headers=[(("X", "1"),)] * len(message.envelope.rcpts), filtered_us=9)
    assert [(d.account, d.rcpt.detail, d.merged) for d in deliveries] == [(ANN, "", 1), (BOB, "", 0), (ANN, "Lists", 1)]
    assert deliveries[0].rcpt.address == "first@y"
    assert [d.body.octets for d in deliveries] == [b"t", b"u", b"t"]
    assert {d.delivery_id for d in deliveries} == set(delivery_ids(message))
    assert deliveries[0].delivery_id == delivery_id(QUEUE_ID, ANN, "")
    first = deliveries[0]
    assert (first.reverse_path, first.login, first.received_us, first.filtered_us) == ("from@y", "me@y", 5, 9)
    assert (first.headers, first.verdict, first.queue_id) == ((("X", "1"),), ACCEPT, QUEUE_ID)


def test_ids_say_who_and_how_many() -> None:
    message = accepted(rcpt(ANN), rcpt(None), rcpt(ANN), rcpt(ANN, "d"))
    found = delivery_ids(message)
    assert found == {
        delivery_id(QUEUE_ID, ANN, ""): (message.envelope.rcpts[0], 1),
        delivery_id(QUEUE_ID, ANN, "d"): (message.envelope.rcpts[3], 0),
    }


def test_verdicts_are_per_recipient() -> None:
    junk = Verdict(VerdictKind.JUNK, 9.0)
    deliveries = route(accepted(rcpt(ANN), rcpt(BOB)), verdicts=(ACCEPT, junk))
    assert [d.verdict for d in deliveries] == [ACCEPT, junk]


def test_what_cannot_be_routed() -> None:
    with pytest.raises(Invalid, match="not local"):
        route(accepted(rcpt(None)))
    with pytest.raises(Invalid, match="no body"):
        route(accepted(rcpt(ANN, tenant=TenantName("other"))))


def test_age() -> None:
    assert not too_old(0, SAFE_AGE * 1_000_000)
    assert too_old(0, SAFE_AGE * 1_000_000 + 1)


def test_what_was_found_out_rides_along_in_short() -> None:
    results = AuthenticationResults(spf=SpfResult(AuthResult.PASS, "y"))
    (first,) = route(replace(accepted(rcpt(ANN)), authentication=results))
    assert first.authentication == results.in_short != ""
    (second,) = route(accepted(rcpt(ANN)))
    assert second.authentication == ""
