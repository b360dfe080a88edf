"""Held mail: accepted, and not to be delivered as things are, or held back by a verdict. It waits in the quarantine of
its domain for a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from posthouse.admin.addresses import find_domain, queue_id
from posthouse.admin.context import AdminContext
from posthouse.held.digest import DAY_US, day_end
from posthouse.held.mail import HELD, HeldDelivery, HeldMail
from posthouse.held.rendering import MAX_OCTETS, render
from posthouse.held.upkeep import digests
from posthouse.model.errors import Invalid, NoSuchAccount, NotFound
from posthouse.model.ids import DomainName, quarantine_account

MIN_PREFIX = 6
"""Characters of a hold id that may stand for it, if no other begins so."""
KINDS = ("quarantined", "undeliverable")
"""Held back by a verdict, or because it could not be delivered."""


@dataclass(frozen=True, slots=True)
class HeldRow:
    hold: str
    """Its id, 32 hexadecimal characters."""
    domain: str
    queue_id: str
    rcpt: str
    sender: str
    kind: str
    """One of KINDS."""
    reason: str
    score: float
    reasons: tuple[str, ...]
    """Of the verdict."""
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
    authentication: str
    """`spf=pass dkim=none dmarc=fail`; empty where nobody looked."""
    header: str
    text: str
    """Both as held.rendering makes them harmless."""
    attachments: tuple[str, ...]
    cut: bool
    """Something of the message is not shown."""


@dataclass(frozen=True, slots=True)
class DigestRow:
    account: str
    messages: int
    text: str


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
        KINDS[0] if held.quarantined else KINDS[1],
        held.note.reason,
        deliver.verdict.score,
        deliver.verdict.reasons,
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


async def list_held(
    context: AdminContext, *, of: str | None = None, kind: str | None = None, rcpt: str | None = None
) -> list[HeldRow]:
    """Oldest first; of all domains without `of`; `rcpt` is a recipient as given, or the account it led to."""
    directory = context.directory
    domains = await directory.domains() if of is None else [await find_domain(directory, of)]
    mail = _mail(context)
    wanted = _wanted(kind, rcpt)
    rows = [_row(held) for found in domains for held in await mail.listing(found.name) if wanted(held)]
    return sorted(rows, key=lambda row: row.held_us)


def _wanted(kind: str | None, rcpt: str | None) -> Callable[[HeldDelivery], bool]:
    if kind is not None and kind not in KINDS:
        raise Invalid(f"kind {kind!r}", public=f"{kind!r} is not one of {', '.join(KINDS)}")
    address = rcpt.lower() if rcpt is not None else None

    def wanted(held: HeldDelivery) -> bool:
        of = held.note.deliver.rcpt
        fits = kind is None or held.quarantined is (kind == KINDS[0])
        return fits and (address is None or address in (of.address.lower(), of.target.lower()))

    return wanted


async def _choose(
    context: AdminContext,
    of: str,
    holds: tuple[str, ...],
    every: bool,
    kind: str | None = None,
    rcpt: str | None = None,
) -> list[HeldDelivery]:
    """By hold ids or beginnings of them, by queue ids (all that is held of the message), or all of the domain; of these
    the ones of that kind and for that recipient."""
    wanted = _wanted(kind, rcpt)
    if every == bool(holds):
        raise Invalid("which?", public="name what is meant by hold ids or queue ids, or ask for all of them")
    name = (await find_domain(context.directory, of)).name
    listing = [held for held in await _mail(context).listing(name) if wanted(held)]
    if every:
        return listing
    chosen: dict[bytes, HeldDelivery] = {}
    for hold in holds:
        for held in _matching(listing, hold, name):
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
    rendered = render(await _mail(context).head(held, MAX_OCTETS))
    deliver = held.note.deliver
    return HeldShown(
        _row(held),
        deliver.rcpt.target,
        deliver.login,
        deliver.authentication,
        rendered.header,
        rendered.text,
        rendered.attachments,
        rendered.cut,
    )


async def chosen(
    context: AdminContext,
    *,
    of: str,
    holds: tuple[str, ...] = (),
    every: bool = False,
    kind: str | None = None,
    rcpt: str | None = None,
) -> list[HeldRow]:
    """What `release` and `drop` would take with the same arguments."""
    return [_row(held) for held in await _choose(context, of, holds, every, kind, rcpt)]


async def release(
    context: AdminContext,
    *,
    of: str,
    holds: tuple[str, ...] = (),
    every: bool = False,
    kind: str | None = None,
    rcpt: str | None = None,
    by: str = "",
) -> HeldDone:
    """Sends each on its way again, with its original ids; no verdict holds it a second time. `by`: who said so."""
    mail = _mail(context)
    chosen = await _choose(context, of, holds, every, kind, rcpt)
    for held in chosen:
        await mail.release(held, _who(by))
    return HeldDone(tuple(map(_row, chosen)))


async def drop(
    context: AdminContext,
    *,
    of: str,
    holds: tuple[str, ...] = (),
    every: bool = False,
    kind: str | None = None,
    rcpt: str | None = None,
    by: str = "",
) -> HeldDone:
    """Discards each for good; the ledger counts it as discarded by the operator. `by`: who said so."""
    mail = _mail(context)
    chosen = await _choose(context, of, holds, every, kind, rcpt)
    for held in chosen:
        await mail.drop(held, _who(by))
    return HeldDone(tuple(map(_row, chosen)))


def _who(by: str) -> str:
    """The name of an operator: of one line, and not long."""
    return "".join([c for c in by if c.isprintable()])[:64]


async def digest(context: AdminContext, *, of: str) -> list[DigestRow]:
    """What accounts would be told, were the day over now; nothing is sent."""
    name = (await find_domain(context.directory, of)).name
    mail = _mail(context)
    quarantined = [held for held in await mail.listing(name) if held.quarantined]
    until_us = day_end(context.clock.now_us()) + DAY_US
    found = await digests(mail, context.directory, quarantined, until_us, days=1)
    return [DigestRow(each.account.address, each.count, each.octets.decode("utf-8", "replace")) for each in found]
