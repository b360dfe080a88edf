"""Held mail: accepted, and not to be delivered as things are. It waits in the quarantine of its domain for a person."""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.admin.addresses import find_domain, queue_id
from posthouse.admin.context import AdminContext
from posthouse.held.mail import HELD, HeldDelivery, HeldMail
from posthouse.model.errors import Invalid, NoSuchAccount, NotFound
from posthouse.model.ids import DomainName, quarantine_account

MIN_PREFIX = 6
"""Characters of a hold id that may stand for it, if no other begins so."""
MAX_HEADER = 16_384
"""Octets of a message's header that `show` gives."""


@dataclass(frozen=True, slots=True)
class HeldRow:
    hold: str
    """Its id, 32 hexadecimal characters."""
    domain: str
    queue_id: str
    rcpt: str
    sender: str
    reason: str
    held_us: int
    received_us: int
    size: int
    attempt: int


@dataclass(frozen=True, slots=True)
class HeldShown:
    row: HeldRow
    target: str
    """The account it was for."""
    login: str
    header: str
    """Of the message, cut at MAX_HEADER octets."""


@dataclass(frozen=True, slots=True)
class HeldDone:
    done: tuple[HeldRow, ...]


def _mail(context: AdminContext) -> HeldMail:
    return HeldMail(context.mail_store, context.blobs, context.log, context.clock, context.ids)


def _row(held: HeldDelivery) -> HeldRow:
    deliver = held.note.deliver
    return HeldRow(
        held.hold_id.hex(),
        held.domain,
        held.queue_id,
        deliver.rcpt.address,
        deliver.reverse_path,
        held.note.reason,
        held.note.held_us,
        deliver.received_us,
        held.size,
        deliver.attempt,
    )


async def count_held(context: AdminContext, name: DomainName) -> int:
    try:
        view = await context.mail_store.view(quarantine_account(name))
    except NoSuchAccount:
        return 0
    mailbox = view.by_name(HELD)
    return 0 if mailbox is None else mailbox.total


async def list_held(context: AdminContext, *, of: str | None = None) -> list[HeldRow]:
    """Oldest first; of all domains without `of`."""
    directory = context.directory
    domains = await directory.domains() if of is None else [await find_domain(directory, of)]
    mail = _mail(context)
    rows = [_row(held) for found in domains for held in await mail.listing(found.name)]
    return sorted(rows, key=lambda row: row.held_us)


async def _choose(context: AdminContext, of: str, holds: tuple[str, ...], every: bool) -> list[HeldDelivery]:
    """By hold ids or beginnings of them, by queue ids (all that is held of the message), or all of the domain."""
    if every == bool(holds):
        raise Invalid("which?", public="name what is meant by hold ids or queue ids, or ask for all of them")
    name = (await find_domain(context.directory, of)).name
    listing = await _mail(context).listing(name)
    if every:
        return listing
    chosen: dict[bytes, HeldDelivery] = {}
    for wanted in holds:
        for held in _matching(listing, wanted, name):
            chosen[held.hold_id] = held
    return list(chosen.values())


def _matching(listing: list[HeldDelivery], wanted: str, name: DomainName) -> list[HeldDelivery]:
    text = wanted.strip().lower()
    if len(text) == 26:
        found = [held for held in listing if held.queue_id == queue_id(text)]
    else:
        found = [held for held in listing if len(text) >= MIN_PREFIX and held.hold_id.hex().startswith(text)]
        if len(found) > 1:
            raise Invalid("ambiguous", public=f"{wanted} begins {len(found)} hold ids; give more of it")
    if not found:
        shown = f"`posthouse held list {name}` shows what is"
        raise NotFound(f"nothing held as {wanted}", public=f"{name} holds nothing as {wanted}; {shown}")
    return found


async def show(context: AdminContext, *, of: str, hold: str) -> HeldShown:
    held, *others = await _choose(context, of, (hold,), every=False)
    if others:
        several = f"{1 + len(others)} deliveries of that message are held; name one by its hold id"
        raise Invalid("several", public=several)
    octets = await _mail(context).octets(held)
    header = octets[:MAX_HEADER].partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    deliver = held.note.deliver
    return HeldShown(_row(held), deliver.rcpt.target, deliver.login, header)


async def chosen(context: AdminContext, *, of: str, holds: tuple[str, ...] = (), every: bool = False) -> list[HeldRow]:
    """What `release` and `drop` would take with the same arguments."""
    return [_row(held) for held in await _choose(context, of, holds, every)]


async def release(context: AdminContext, *, of: str, holds: tuple[str, ...] = (), every: bool = False) -> HeldDone:
    """Sends each on its way again, with its original ids."""
    mail = _mail(context)
    chosen = await _choose(context, of, holds, every)
    for held in chosen:
        await mail.release(held)
    return HeldDone(tuple(map(_row, chosen)))


async def drop(context: AdminContext, *, of: str, holds: tuple[str, ...] = (), every: bool = False) -> HeldDone:
    """Discards each for good; the ledger counts it as discarded by the operator."""
    mail = _mail(context)
    chosen = await _choose(context, of, holds, every)
    for held in chosen:
        await mail.drop(held)
    return HeldDone(tuple(map(_row, chosen)))
