"""Compares what an account's head says with its message rows. Pure; the adapter reads the rows and commits the plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from posthouse.model.flags import SEEN
from posthouse.model.ids import MailboxNumber, Uid
from posthouse.model.mailbox import Mailbox
from posthouse.store.account.lifecycle import plan_recount
from posthouse.store.account.plan import Plan
from posthouse.store.account.row import MsgRow, bucket_key, row_hash
from posthouse.store.account.state import AccountState

_COUNTED = ("total", "unseen", "size", "checksum", "uidnext")


def recount(state: AccountState, rows: Mapping[MailboxNumber, Collection[MsgRow]]) -> tuple[list[str], Plan]:
    """(one line per difference, the plan that mends them). `rows`: all live rows of every mailbox of `state`, at it."""
    found: list[str] = []
    counted: dict[MailboxNumber, Mailbox] = {}
    buckets: dict[int, int] = {}
    for number, mailbox in state.mailboxes.items():
        actual = _counted(mailbox, rows[number])
        for row in rows[number]:
            key = bucket_key(number, row.uid)
            buckets[key] = buckets.get(key, 0) + 1
        if actual != mailbox:
            counted[number] = actual
            for what in _COUNTED:
                before, after = getattr(mailbox, what), getattr(actual, what)
                if before != after:
                    found.append(f"mailbox {number}: {what} is {before}, rows say {after}")
    wrong: dict[int, int] = {}
    if state.buckets is not None:
        ours = {key: live for key, live in state.buckets.items() if key >> 32 in state.mailboxes}
        for key in sorted(ours.keys() | buckets.keys()):
            before, after = ours.get(key, 0), buckets.get(key, 0)
            if before != after:
                wrong[key] = after
                found.append(f"bucket {key >> 32}/{key & 0xFFFF_FFFF}: live is {before}, rows say {after}")
    decided = plan_recount(state, counted, wrong)
    for what in ("used_bytes", "used_msgs"):
        before, after = getattr(state.head, what), getattr(decided.state.head, what)
        if before != after:
            found.append(f"head: {what} is {before}, mailboxes say {after}")
    return found, decided


def _counted(mailbox: Mailbox, rows: Collection[MsgRow]) -> Mailbox:
    checksum = 0
    for row in rows:
        checksum ^= row_hash(row)
    return replace(
        mailbox,
        total=len(rows),
        unseen=sum(not row.sys & SEEN for row in rows),
        size=sum(row.size for row in rows),
        checksum=checksum,
        uidnext=Uid(max([mailbox.uidnext, *(row.uid + 1 for row in rows)])),
    )
