"""Accounts: add, list, show, change, passwd, remove.

Order of writes: the account log exists before the directory leads mail to it, and is deleted before the directory
forgets it. A command that was cut off is finished by giving it again.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from posthouse.admin.addresses import find_account, find_domain, plain_address
from posthouse.admin.context import AdminContext
from posthouse.admin.passwords import hash_password, random_password
from posthouse.admin.sessions import Kicked
from posthouse.model.address import parse_address
from posthouse.model.directory import Account, Domain
from posthouse.model.errors import AlreadyExists, Disabled, Invalid, MailError, NoSuchAccount, NoSuchUser
from posthouse.model.ids import AccountId
from posthouse.model.mailbox import AccountView

STANDARD_MAILBOXES: Final = (
    ("Drafts", "\\Drafts"),
    ("Sent", "\\Sent"),
    ("Junk", "\\Junk"),
    ("Trash", "\\Trash"),
    ("Archive", "\\Archive"),
)
"""RFC 6154: clients find them by their use, whatever they are called."""


@dataclass(frozen=True, slots=True)
class AccountRow:
    address: str
    account_id: str
    enabled: bool
    login: bool
    """Whether it has a password."""
    quota_bytes: int | None
    quota_msgs: int | None
    detail_folders: bool
    created_us: int
    used_bytes: int | None = None
    used_msgs: int | None = None
    """None where it was not asked for, or the account has no log (`posthouse doctor` names it)."""


@dataclass(frozen=True, slots=True)
class AccountAdded:
    account: AccountRow
    password: str | None
    """The one that was made; None where one was given. It is not kept: show it now or never."""


@dataclass(frozen=True, slots=True)
class AccountShown:
    account: AccountRow
    aliases: tuple[str, ...]
    mailboxes: int


@dataclass(frozen=True, slots=True)
class PasswordSet:
    address: str
    password: str | None
    ended: int
    """Sessions that were ended."""
    unanswered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AccountRemoved:
    address: str
    ended: int
    unanswered: tuple[str, ...]


async def add(
    context: AdminContext,
    *,
    address: str,
    password: str | None = None,
    quota_bytes: int | None = None,
    quota_msgs: int | None = None,
    detail_folders: bool = True,
    login: bool = True,
) -> AccountAdded:
    """`login` False: no password, mail is received and kept for nobody to read yet."""
    own = plain_address(address)
    found = await find_domain(context.directory, own.rpartition("@")[2])
    if password is not None and not login:
        raise Invalid("password without login", public="a password and 'no login' exclude each other")
    await _refuse_taken(context, own)
    account, made = await new_account(
        context,
        found,
        own,
        password,
        login=login,
        quota_bytes=_limit(quota_bytes),
        quota_msgs=_limit(quota_msgs),
        detail_folders=detail_folders,
    )
    await context.directory.add_account(account)
    return AccountAdded(row(account), made)


async def _refuse_taken(context: AdminContext, address: str) -> None:
    """Only spares a useless account log and a hash; what decides is the directory."""
    account = await context.directory.account_by_address(address)
    if account is not None and account.address == address:
        raise AlreadyExists(
            address, public=f"{address} exists already; `posthouse account passwd {address}` sets a new password"
        )
    try:
        await context.directory.resolve(parse_address(address))
    except NoSuchUser:
        return
    except Disabled:
        # An alias of accounts that are disabled is an alias all the same.
        pass
    raise AlreadyExists(
        address, public=f"{address} is an alias; `posthouse alias remove {address}` makes the address free"
    )


async def new_account(
    context: AdminContext,
    of: Domain,
    address: str,
    password: str | None,
    *,
    login: bool = True,
    quota_bytes: int | None = None,
    quota_msgs: int | None = None,
    detail_folders: bool = True,
) -> tuple[Account, str | None]:
    """Makes the account log; the directory entry is the caller's to write. With the password that was made, if any."""
    made = random_password(context.ids) if login and password is None else None
    secret = password if password is not None else made
    password_hash = await hash_password(secret) if secret is not None else ""
    account = Account(
        AccountId(uuid.UUID(bytes=context.ids.token(16), version=4)),
        address,
        of.tenant,
        password_hash,
        quota_bytes=quota_bytes,
        quota_msgs=quota_msgs,
        detail_folders=detail_folders,
        created_us=context.clock.now_us(),
    )
    mailboxes = [(folder, use, context.ids.mailbox_id()) for folder, use in STANDARD_MAILBOXES]
    await context.mail_store.create_account(account.account_id, mailboxes)
    return account, made


def _limit(value: int | None) -> int | None:
    """0 lifts a limit, since None leaves it as it is."""
    if value is not None and value < 0:
        raise Invalid("negative quota", public="a quota is not negative; 0 means no limit")
    return value or None


def row(account: Account, view: AccountView | None = None) -> AccountRow:
    return AccountRow(
        account.address,
        str(account.account_id),
        account.enabled,
        bool(account.password_hash),
        account.quota_bytes,
        account.quota_msgs,
        account.detail_folders,
        account.created_us,
        None if view is None else view.used_bytes,
        None if view is None else view.used_msgs,
    )


async def list_accounts(context: AdminContext, *, of: str | None = None, usage: bool = False) -> list[AccountRow]:
    """`of`: only that domain. `usage` reads each account's head, which takes its time with many."""
    name = None if of is None else (await find_domain(context.directory, of)).name
    rows = []
    for account in await context.directory.accounts(name):
        rows.append(row(account, await _view(context, account) if usage else None))
        if usage:
            # Thousands of heads: a process that serves mail goes on in between.
            await context.clock.sleep(0)
    return rows


async def _view(context: AdminContext, account: Account) -> AccountView | None:
    try:
        return await context.mail_store.view(account.account_id)
    except NoSuchAccount:
        return None


async def show(context: AdminContext, *, address: str) -> AccountShown:
    account = await find_account(context.directory, address)
    view = await _view(context, account)
    leading = await _leading(context, account)
    return AccountShown(row(account, view), tuple(leading), 0 if view is None else len(view.mailboxes))


async def _leading(context: AdminContext, account: Account) -> list[str]:
    """Aliases that name it as a target, with any detail."""
    found = []
    for alias in await context.directory.aliases():
        targets = [parse_address(target) for target in alias.targets]
        if account.address in {f"{target.mailbox}@{target.domain}" for target in targets}:
            found.append(alias.address)
    return found


async def update(
    context: AdminContext,
    *,
    address: str,
    quota_bytes: int | None = None,
    quota_msgs: int | None = None,
    detail_folders: bool | None = None,
) -> AccountRow:
    """What is None stays; a quota of 0 is lifted."""
    account = await find_account(context.directory, address)
    changed: dict[str, Any] = {}
    if quota_bytes is not None:
        changed["quota_bytes"] = _limit(quota_bytes)
    if quota_msgs is not None:
        changed["quota_msgs"] = _limit(quota_msgs)
    if detail_folders is not None:
        changed["detail_folders"] = detail_folders
    return row(await _update(context, account, changed))


async def _update(context: AdminContext, account: Account, changed: Mapping[str, Any]) -> Account:
    after = replace(account, **changed)
    await context.directory.update_account(after)
    return after


async def passwd(context: AdminContext, *, address: str, password: str | None = None) -> PasswordSet:
    """Ends the account's sessions too: a password is changed because somebody should no longer be in."""
    account = await find_account(context.directory, address)
    made = random_password(context.ids) if password is None else None
    password_hash = await hash_password(password if password is not None else made or "")
    await _update(context, account, {"password_hash": password_hash})
    kicked = await _kick(context, account)
    return PasswordSet(account.address, made, kicked.sessions, kicked.unanswered)


async def enable(context: AdminContext, *, address: str) -> AccountRow:
    account = await find_account(context.directory, address)
    return row(await _update(context, account, {"enabled": True}))


async def disable(context: AdminContext, *, address: str) -> PasswordSet:
    """Neither login nor mail from now on; what is stored stays. Ends its sessions."""
    account = await find_account(context.directory, address)
    await _update(context, account, {"enabled": False})
    kicked = await _kick(context, account)
    return PasswordSet(account.address, None, kicked.sessions, kicked.unanswered)


async def _kick(context: AdminContext, account: Account) -> Kicked:
    """The change is made whether or not every process can be asked; who could not be is said."""
    try:
        return await context.sessions.kick(account.address)
    except MailError as error:
        return Kicked(0, (error.reason or error.public,))


async def remove(context: AdminContext, *, address: str) -> AccountRemoved:
    """The account and all its mail. Refused while an alias leads to it."""
    account = await find_account(context.directory, address)
    if account.address.startswith("postmaster@"):
        name = account.address.rpartition("@")[2]
        raise Invalid(
            "postmaster",
            public=f"{account.address} belongs to its domain (RFC 5321 §4.5.1): `posthouse domain remove {name}`",
        )
    leading = await _leading(context, account)
    if leading:
        raise Invalid(
            "aliases lead to it",
            public=f"aliases lead to {account.address}: {', '.join(leading[:5])}; remove or change them first",
        )
    # No new mail while the log goes: it would only end held. Disabled first, a repeat can finish at every point.
    await _update(context, account, {"enabled": False})
    kicked = await _kick(context, account)
    await delete_log(context, account.account_id)
    await context.directory.remove_account(account.account_id)
    return AccountRemoved(account.address, kicked.sessions, kicked.unanswered)


async def delete_log(context: AdminContext, account_id: AccountId) -> None:
    """Also when it is deleted already, or never was. What the account taught the filter goes with it."""
    if context.learning is not None:
        await context.learning.forget(account_id)
    try:
        await context.mail_store.delete_account(account_id)
    except NoSuchAccount:
        return
