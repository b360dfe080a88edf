"""A person teaches the whole embedded platform: mail of one kind goes to INBOX, then to Junk, then to INBOX again."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from harness.mail_reader import Reader
from harness.posthouse_up import PosthouseUp
from harness.spam_mail import ham, small_model, spam
from harness.waiting import until
from posthouse.spam.models.model_file import dump

MOVES = 4


def learned(up: PosthouseUp, outcome: str, count: int) -> Callable[[], object]:
    return lambda: up.metric("posthouse_learned_total", outcome=outcome) >= count


async def test_moves_change_where_the_next_message_of_that_kind_goes(tmp_path: Path) -> None:
    model = tmp_path / "small.model"
    model.write_bytes(dump(small_model()))
    up = PosthouseUp(
        tmp_path,
        accounts=2,
        settings=("filter.score=true", f"filter.model={model}", "filter.score_memory=2GiB", "filter.score_timeout=60"),
    )
    await asyncio.to_thread(up.start)
    try:
        people = await asyncio.to_thread(up.people)
        ann, bob = [await Reader.at(up.mx, up.imap, person) for person in people[:2]]
        for number in range(MOVES):
            assert await ann.receives(ham(700 + number)) == "INBOX"
        await ann.moves_last("INBOX", "Junk", MOVES)
        await until(learned(up, "learned", MOVES), seconds=120)
        assert await ann.receives(ham(750)) == "Junk"
        assert await bob.receives(ham(751)) == "INBOX", "what one taught is nobody else's"

        # Wanted mail that now goes to Junk is taken out, until it stays out.
        rescued = 0
        while await ann.receives(ham(760 + rescued)) == "Junk":
            await ann.moves_last("Junk", "INBOX")
            rescued += 1
            assert rescued <= 2 * MOVES
            await until(learned(up, "learned", MOVES + rescued), seconds=120)
        assert rescued

        # A change of mind takes its own lessons back, and no more.
        for number in range(MOVES):
            assert await bob.receives(ham(800 + number)) == "INBOX"
        await bob.moves_last("INBOX", "Junk", MOVES)
        await until(learned(up, "learned", 2 * MOVES + rescued), seconds=120)
        await bob.moves_last("Junk", "INBOX", MOVES)
        await until(learned(up, "unlearned", MOVES), seconds=120)
        assert await bob.receives(ham(850)) == "INBOX"
        assert await bob.receives(spam(850)) == "Junk"
        assert up.metric("posthouse_lessons_total", outcome="lost") == 0
        for reader in (ann, bob):
            await reader.close()
    finally:
        await asyncio.to_thread(up.stop)
