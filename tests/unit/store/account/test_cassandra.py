"""In which order projections are written."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any, cast

import pytest

from posthouse.engines.cassandra import Database
from posthouse.model.errors import Unavailable
from posthouse.model.flags import NO_KEYWORDS
from posthouse.model.ids import AccountId, MailboxId, ModSeq, Uid
from posthouse.store.account.cassandra import CassandraAccountTable
from posthouse.store.account.row import MsgRow
from posthouse.store.account.table import RowWrite


class Statements:
    def __init__(self, failing: str = "") -> None:
        self.done: list[str] = []
        self._failing = failing

    async def execute(self, name: str, values: Sequence[Any]) -> list[Any]:
        if name == "email_loc":
            await asyncio.sleep(0)  # slower than the others
        if name == self._failing:
            raise Unavailable("x")
        self.done.append(name)
        return []


def moved() -> list[RowWrite]:
    row = MsgRow(Uid(1), uuid.uuid1().bytes, ModSeq(7), 0, NO_KEYWORDS, 10, 0)
    there, here = MailboxId(uuid.UUID(int=2)), MailboxId(uuid.UUID(int=1))
    return [RowWrite(here, row, True, False), RowWrite(there, row, False, True)]


async def test_the_old_location_of_a_moved_email_goes_after_the_new_one_is_there() -> None:
    statements = Statements()
    await CassandraAccountTable(cast(Database, statements)).project(AccountId(uuid.uuid4()), 0, moved())
    assert statements.done.index("email_loc") < statements.done.index("email_loc drop")


async def test_without_the_new_location_the_old_one_stays() -> None:
    statements = Statements(failing="email_loc")
    with pytest.raises(Unavailable):
        await CassandraAccountTable(cast(Database, statements)).project(AccountId(uuid.uuid4()), 0, moved())
    assert "email_loc drop" not in statements.done
