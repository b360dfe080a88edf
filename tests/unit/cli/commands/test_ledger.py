"""`posthouse ledger`."""

import re

from harness.admin import accept
from harness.command import Commands
from posthouse.admin.context import AdminContext
from posthouse.model.ids import QueueId


async def lose(context: AdminContext) -> QueueId:
    """A record that its stage has passed without leaving a trace."""
    lost = await accept(context, "alice@example.org")
    async with context.log.consume(["mail.accepted.v1"], "filter") as consumer:
        records = await consumer.poll(10, 1.0)
        await consumer.commit({(r.topic, r.partition): r.offset + 1 for r in records})
    return lost


def test_accounted(commands: Commands) -> None:
    commands.stores(lambda context: accept(context, "alice@example.org"))
    text = commands.text("ledger", "audit")
    assert text.startswith("1 messages, accepted from ")
    assert re.search(r"^in flight +1$", text, re.MULTILINE)
    assert text.endswith("Everything is accounted for.\n")


def test_unaccounted_is_named_and_exits_4(commands: Commands) -> None:
    lost = commands.stores(lose)
    text = commands.text("ledger", "audit", "--since", "2h", code=4)
    assert "1 unaccounted for (0 older than 10 min)" in text
    assert lost in text
    assert commands.json("ledger", "audit", code=4)["unaccounted"][0]["queue_id"] == lost
    assert commands.json("ledger", "audit", "--until", "2020-01-01")["messages"] == 0


def test_a_span_that_is_none(commands: Commands) -> None:
    assert "--since must lie before" in commands.refused("ledger", "audit", "--since", "1h", "--until", "2h", code=2)
    assert "--since must lie before" in commands.refused("ledger", "audit", "--since", "2999-01-01", code=2)
    assert "no time ago" in commands.refused("ledger", "audit", "--since", "0h", code=2)
    assert "is no moment" in commands.refused("ledger", "audit", "--since", "soon", code=2)


def test_an_audit_of_nothing_does_not_call_it_accounted_for(commands: Commands) -> None:
    text = commands.text("ledger", "audit")
    assert text.startswith("0 messages, accepted from ")
    assert "there was nothing to account for" in text
    assert "Everything" not in text
