"""trace and ledger audit, over embedded stores."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.admin import PASSWORD, accept, account_of, do, embedded_admin
from posthouse.admin.context import AdminContext
from posthouse.model.change import Append, CommitRequest
from posthouse.model.errors import Invalid, NotFound
from posthouse.model.ids import OpId, QueueId, delivery_id
from posthouse.model.mailbox import NewEmail

ADDRESS = "postmaster@example.org"


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[AdminContext]:
    async with embedded_admin(tmp_path) as context:
        await do(context, "domain.add", name="example.org", password=PASSWORD)
        yield context


async def store(context: AdminContext, queue_id: QueueId) -> None:
    account = await account_of(context, ADDRESS)
    email = NewEmail(context.ids.email_id(), 1, b"", b"", 0, octets=b"x", queue_id=queue_id)
    op_id = OpId(delivery_id(queue_id, account.account_id, ""))
    await context.mail_store.commit(account.account_id, CommitRequest(op_id, (Append("INBOX", email),), dedup_ttl=60))


async def pass_by(context: AdminContext) -> None:
    """The stage passes all its records without leaving a trace: that is what a loss looks like."""
    async with context.log.consume(["mail.accepted.v1"], "filter") as consumer:
        records = await consumer.poll(10, 1.0)
        await consumer.commit({(r.topic, r.partition): r.offset + 1 for r in records})


async def test_a_message_in_flight_and_then_stored(context: AdminContext) -> None:
    queue_id = await accept(context, ADDRESS)
    trail = await do(context, "trace", message=queue_id.upper())
    (delivery,) = trail["deliveries"]
    assert (delivery["state"], delivery["where"], delivery["account"]) == ("in flight", "mail.accepted.v1", ADDRESS)
    assert not trail["ended"]
    assert trail["events"][0]["outcome"] == "accepted"
    assert trail["events"][0]["after_us"] == 0
    await store(context, queue_id)
    trail = await do(context, "trace", message=queue_id)
    assert trail["ended"]
    assert trail["deliveries"][0]["modseq"] == 2
    assert trail["sender"] == "sender@example.net"


async def test_an_account_that_is_gone_is_named_by_its_id(context: AdminContext) -> None:
    await do(context, "account.add", address="alice@example.org", login=False)
    account = await account_of(context, "alice@example.org")
    queue_id = await accept(context, "alice@example.org")
    await do(context, "account.remove", address="alice@example.org")
    trail = await do(context, "trace", message=queue_id)
    assert trail["deliveries"][0]["account"] == str(account.account_id)


async def test_mail_of_an_account_that_was_removed_is_discarded_and_not_lost(context: AdminContext) -> None:
    await do(context, "account.add", address="alice@example.org", login=False)
    queue_id = await accept(context, "alice@example.org")
    await pass_by(context)
    assert len((await do(context, "ledger.audit"))["unaccounted"]) == 1
    assert (await do(context, "trace", message=queue_id))["deliveries"][0]["state"] == "unknown"
    await do(context, "account.remove", address="alice@example.org")
    result = await do(context, "ledger.audit")
    assert (result["unaccounted"], result["counts"]["discarded_by_operator"]) == ([], 1)
    assert (await do(context, "trace", message=queue_id))["deliveries"][0]["state"] == "removed"


async def test_unknown_and_malformed_ids(context: AdminContext) -> None:
    with pytest.raises(NotFound) as unknown:
        await do(context, "trace", message=context.ids.queue_id())
    assert "never accepted here" in unknown.value.public
    with pytest.raises(Invalid):
        await do(context, "trace", message="nonsense")


async def test_the_audit_counts_and_names(context: AdminContext) -> None:
    await store(context, await accept(context, ADDRESS))
    lost = await accept(context, ADDRESS)
    result = await do(context, "ledger.audit")
    assert (result["messages"], result["counts"]["stored"], result["counts"]["in_flight"]) == (2, 1, 1)
    assert result["unaccounted"] == []
    await pass_by(context)
    result = await do(context, "ledger.audit")
    assert [row["queue_id"] for row in result["unaccounted"]] == [lost]
    assert result["late"] == 0


async def test_only_the_span_asked_for(context: AdminContext) -> None:
    await accept(context, ADDRESS)
    now = context.clock.now_us()
    result = await do(context, "ledger.audit", since_us=now - 20_000_000, until_us=now - 10_000_000)
    assert result["messages"] == 0
    with pytest.raises(Invalid):
        await do(context, "ledger.audit", since_us=now, until_us=now)
