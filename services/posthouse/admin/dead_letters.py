"""Dead letters: what a consumer gave up on. A letter is named `group/partition:offset`."""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.admin.context import AdminContext
from posthouse.log.codec import decode_accepted, decode_deliver
from posthouse.log.consumer.dlq import DeadLetter, list_letters, replay, show_letter
from posthouse.log.topics import GROUPS, MAIL_DELIVER
from posthouse.model.errors import Invalid, NotFound


@dataclass(frozen=True, slots=True)
class LetterRow:
    letter: str
    queue_id: str | None
    topic: str
    """Where it goes back to when it is replayed."""
    reason: str
    tries: int
    first_us: int
    dead_us: int
    size: int


@dataclass(frozen=True, slots=True)
class LetterShown:
    row: LetterRow
    sender: str
    rcpts: tuple[str, ...]
    body_size: int
    headers: tuple[tuple[str, str], ...]
    """Of the record."""


@dataclass(frozen=True, slots=True)
class Replayed:
    replayed: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]
    """(letter, why)."""


def _row(letter: DeadLetter) -> LetterRow:
    return LetterRow(
        f"{letter.group}/{letter.letter_id}",
        letter.queue_id,
        letter.topic,
        letter.reason,
        letter.tries,
        letter.first_us,
        letter.record.timestamp_us,
        len(letter.record.value),
    )


def _groups(group: str | None) -> tuple[str, ...]:
    if group is None:
        return GROUPS
    if group not in GROUPS:
        raise Invalid(f"group {group}", public=f"{group!r} is no consumer group; there are {', '.join(GROUPS)}")
    return (group,)


async def list_dead(context: AdminContext, *, group: str | None = None) -> list[LetterRow]:
    rows = [_row(letter) for name in _groups(group) for letter in await list_letters(context.log, name)]
    return sorted(rows, key=lambda row: row.dead_us)


async def _find(context: AdminContext, name: str) -> DeadLetter:
    group, slash, letter_id = name.partition("/")
    if not slash or group not in GROUPS:
        raise Invalid(
            f"letter {name}", public=f"{name!r} names no dead letter; they look like filter/0:12 (`posthouse dlq list`)"
        )
    try:
        return await show_letter(context.log, group, letter_id)
    except NotFound as error:
        raise NotFound(
            error.reason, public=f"There is no dead letter {name}, or it was replayed; `posthouse dlq list` shows them"
        ) from error


async def show(context: AdminContext, *, letter: str) -> LetterShown:
    found = await _find(context, letter)
    sender, body_size = "", 0
    rcpts: tuple[str, ...] = ()
    if found.queue_id is not None and found.topic == MAIL_DELIVER.name:
        deliver = decode_deliver(found.record.value)
        sender, rcpts, body_size = deliver.reverse_path, (deliver.rcpt.address,), deliver.body.size
    elif found.queue_id is not None:
        accepted = decode_accepted(found.record.value)
        sender = accepted.envelope.reverse_path
        rcpts = tuple(dict.fromkeys(rcpt.address for rcpt in accepted.envelope.rcpts))
        body_size = max([body.size for _, body in accepted.bodies], default=0)
    headers = tuple((name, value.decode("utf-8", "replace")) for name, value in found.record.headers)
    return LetterShown(_row(found), sender, rcpts, body_size, headers)


async def replay_letters(
    context: AdminContext, *, letters: tuple[str, ...] = (), group: str | None = None, every: bool = False
) -> Replayed:
    """Those named, or with `every` all of `group` (of both groups if None), with their original ids."""
    if every == bool(letters):
        raise Invalid("which letters?", public="name the letters to replay, or ask for all of them")
    found = [await _find(context, name) for name in letters]
    if every:
        found = [letter for name in _groups(group) for letter in await list_letters(context.log, name)]
    refused = await replay(context.log, found, now_us=context.clock.now_us())
    kept = tuple((f"{letter.group}/{letter.letter_id}", why) for letter, why in refused)
    names = {name for name, _ in kept}
    done = tuple(name for name in [f"{it.group}/{it.letter_id}" for it in found] if name not in names)
    return Replayed(done, kept)
