"""What upkeep asks of an account table, on the simulated one and on a real Cassandra. The rest of the port is tested
through the store above it."""

import time
from collections.abc import AsyncIterator

import pytest

from harness.cassandra_adapters import database
from harness.mail_stores import IDS, append, commit, make_account, new_email
from harness.simulated_account_table import SimulatedCluster
from harness.virtual_clock import VirtualClock
from harness.waiting import until
from posthouse.model.change import Expunge
from posthouse.model.ids import MailboxNumber, Uid
from posthouse.store.account.cassandra import CassandraAccountTable
from posthouse.store.account.owner import OwnedMailStore
from posthouse.store.account.table import AccountTable

INBOX = MailboxNumber(1)


@pytest.fixture(params=["simulated", pytest.param("cassandra", marks=pytest.mark.servers("cassandra"))])
async def table(request: pytest.FixtureRequest) -> AsyncIterator[AccountTable]:
    if request.param == "simulated":
        yield SimulatedCluster(VirtualClock()).table()
        return
    async with database(request.getfixturevalue("cassandra")) as db:
        real = CassandraAccountTable(db)
        await real.make_tables()
        await real.prepare()
        yield real


async def test_what_upkeep_asks(table: AccountTable) -> None:
    began = int(time.time()) - 1
    async with OwnedMailStore(table, VirtualClock(), IDS) as store:
        account = await make_account(store)
        kept, gone, never = new_email(), new_email(), new_email()
        for email in (kept, gone):
            await append(store, account, email=email)
        await table.write_emails(account, [never])
        outcome = await commit(store, account, Expunge(INBOX, [Uid(2)], force=True))
        box = (await store.view(account)).mailboxes[0]
        await store.recount(account, repair=False)

        async def written_behind() -> bool:
            return len(await table.read_expunged(box.mailbox_id, 0)) == 1

        await until(written_behind)
        [(row, left)] = await table.read_expunged(box.mailbox_id, 0)
    assert (row.uid, row.email_id, row.modseq) == (2, gone.email_id.bytes, outcome.modseq)
    assert 89 * 86_400 < left <= 90 * 86_400
    ids = [kept.email_id, gone.email_id, never.email_id]
    assert set(await table.emails_between(account, began, began + 600)) == set(ids)
    assert list(await table.emails_between(account, began - 600, began)) == []
    assert await table.located(ids) == {kept.email_id}
    await table.drop_emails(account, ids[1:])
    assert [email is not None for email in await table.emails(account, ids)] == [True, False, False]
