"""The daily pass of a cluster's owner over the simulated table, in virtual time."""

import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from harness.mail_stores import (
    IDS,
    RefsOnly,
    append,
    commit,
    delivery,
    mailbox,
    make_account,
    new_email,
    new_mailbox_id,
)
from harness.simulated_account_table import SimulatedCluster
from harness.virtual_clock import VirtualClock
from posthouse.model.change import CreateMailbox, DeleteMailbox, Expunge
from posthouse.model.envelope import BlobRef
from posthouse.model.ids import AccountId, BlobId, MailboxNumber, ModSeq, TenantName, Uid
from posthouse.store.account.owner import OwnedMailStore
from posthouse.store.account.owner_upkeep import DAY, Upkeep

INBOX = MailboxNumber(1)


@dataclass(slots=True)
class Owner:
    cluster: SimulatedCluster
    store: OwnedMailStore
    blobs: RefsOnly = field(default_factory=RefsOnly)

    async def days_pass(self, days: int) -> Upkeep:
        """With a pass each day. What they did together."""
        total = Upkeep()
        for _ in range(days):
            await self.cluster.clock.sleep(DAY)
            done = await self.store.maintenance(self.blobs)
            total.floors += done.floors
            total.mailboxes += done.mailboxes
            total.emails += done.emails
        return total


@pytest.fixture
async def owner() -> AsyncIterator[Owner]:
    cluster = SimulatedCluster(VirtualClock(time.time_ns() // 1000))  # email ids carry the real time
    async with OwnedMailStore(cluster.table(), cluster.clock, IDS) as store:
        yield Owner(cluster, store)


async def test_the_floor_rises_before_expunged_rows_end(owner: Owner) -> None:
    account = await make_account(owner.store)
    for _ in range(3):
        await append(owner.store, account)
    gone = await commit(owner.store, account, Expunge(INBOX, [Uid(2)], force=True))
    before = (await owner.store.view(account)).modseq
    assert (await owner.days_pass(79)).floors == 0
    vanished = await owner.store.vanished(account, INBOX, ModSeq(1))
    assert (list(vanished.uids), vanished.complete) == ([2], True)
    assert (await owner.days_pass(3)).floors == 1
    assert not (await owner.store.vanished(account, INBOX, ModSeq(1))).complete
    assert (await owner.store.vanished(account, INBOX, gone.modseq)).complete
    assert (await owner.store.view(account)).modseq == before + 1
    assert await owner.store.recount(account, repair=False) == []


async def test_emails_go_a_week_after_the_last_message_that_showed_them(owner: Owner) -> None:
    account = await make_account(owner.store)
    ref = BlobRef(BlobId(bytes(34) + (9).to_bytes(8, "big")), TenantName("t"), 9)
    shown, small, large = new_email(), new_email(), new_email(blob=ref)
    for email in (shown, small, large):
        await append(owner.store, account, email=email)
    await owner.days_pass(10)
    await commit(owner.store, account, Expunge(INBOX, [Uid(2), Uid(3)], force=True))
    assert (await owner.days_pass(6)).emails == 0
    assert (await owner.days_pass(3)).emails == 2
    assert owner.blobs.dropped == [(ref, account, large.email_id)]
    left = [email is not None for email in await owner.store.emails(account, [shown.email_id, small.email_id])]
    assert left == [True, False]


async def test_an_email_that_was_never_journalled_goes_too(owner: Owner) -> None:
    """Each repeat of a delivery writes its email before it is found to be one."""
    account = await make_account(owner.store)
    once = delivery()
    await owner.store.commit(account, once)
    await owner.store.commit(account, delivery(op_id=once.op_id))
    assert len(owner.cluster.email_rows) == 2
    assert (await owner.days_pass(6)).emails == 0
    assert (await owner.days_pass(3)).emails == 1
    assert len(owner.cluster.email_rows) == 1
    assert (await owner.store.contents(account, INBOX)).email_ids == [next(iter(owner.cluster.email_rows))[1]]


async def test_a_deleted_mailbox_goes_with_its_emails(owner: Owner) -> None:
    account = await make_account(owner.store)
    await commit(owner.store, account, CreateMailbox("a", new_mailbox_id()))
    for _ in range(4):
        await append(owner.store, account, "a")
    await append(owner.store, account)
    number = (await mailbox(owner.store, account, "a")).number
    await commit(owner.store, account, DeleteMailbox("a"))
    done = await owner.days_pass(20)
    assert (done.emails, done.mailboxes) == (4, 1)
    state = owner.cluster.accounts[account].state
    assert not state.doomed
    assert number << 32 not in (state.buckets or {})
    assert len(owner.cluster.email_rows) == 1
    assert await owner.store.recount(account, repair=False) == []


async def test_an_account_is_passed_over_once_a_day(owner: Owner) -> None:
    await make_account(owner.store)
    await append(owner.store, await make_account(owner.store))
    assert (await owner.store.maintenance(owner.blobs)).accounts == 1, "the other one has not been opened here"
    assert (await owner.store.maintenance(owner.blobs)).accounts == 0
    await owner.cluster.clock.sleep(DAY)
    assert (await owner.store.maintenance(owner.blobs)).accounts == 1


async def test_an_account_that_nobody_opens_is_tended_without_being_opened(owner: Owner) -> None:
    """Its expunged rows end with their time to live, and its deleted mail after a week, whoever looks or not."""
    account = await make_account(owner.store)
    for _ in range(2):
        await append(owner.store, account)
    await commit(owner.store, account, Expunge(INBOX, [Uid(2)], force=True))
    async with OwnedMailStore(owner.cluster.table(), owner.cluster.clock, IDS) as later:
        done = Upkeep()
        for _ in range(82):
            await owner.cluster.clock.sleep(DAY)
            assert (await later.maintenance(owner.blobs)).accounts == 0
            each = await later.tend(account, owner.blobs)
            done.emails, done.floors = done.emails + each.emails, done.floors + each.floors
        assert (done.emails, done.floors) == (1, 1)
        await owner.cluster.clock.sleep(20 * DAY)
        assert not (await later.vanished(account, INBOX, ModSeq(1))).complete
        assert await later.recount(account, repair=False) == []
        assert (await later.tend(account, owner.blobs)).accounts == 0, "it is open: maintenance passes over it"


async def test_what_is_no_account_any_more_is_passed_by(owner: Owner) -> None:
    account = await make_account(owner.store)
    await owner.store.delete_account(account)
    async with OwnedMailStore(owner.cluster.table(), owner.cluster.clock, IDS) as later:
        for gone in (account, AccountId(uuid.uuid4())):
            assert (await later.tend(gone, owner.blobs)).accounts == 0
