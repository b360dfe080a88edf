"""Which folders a delivery goes to. The default plan; a Sieve script takes its place later behind `Planner`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from posthouse.model.directory import Account
from posthouse.model.envelope import Deliver
from posthouse.model.flags import NO_FLAGS, Flags
from posthouse.model.mailbox import INBOX, AccountView
from posthouse.model.verdict import VerdictKind
from posthouse.ports.mail_store import MailStore

JUNK = "Junk"


@dataclass(frozen=True, slots=True)
class FileInto:
    mailbox: str
    flags: Flags = NO_FLAGS
    create: bool = False
    """Make the mailbox where it does not exist (else the delivery is held)."""


Plan = tuple[FileInto, ...]
"""All of it is one commit. Empty = discard."""


class Planner(Protocol):
    async def plan(self, deliver: Deliver, account: Account) -> Plan:
        """Raises Unavailable when what it needs cannot be read."""
        ...


class DefaultPlanner:
    """Junk goes to the account's Junk folder; user+folder@ to the folder of that name where it exists and the account
    wants it; everything else to INBOX."""

    def __init__(self, store: MailStore) -> None:
        self._store = store

    async def plan(self, deliver: Deliver, account: Account) -> Plan:
        if deliver.verdict.kind is VerdictKind.JUNK:
            return (junk_target(await self._store.view(deliver.account)),)
        detail = deliver.rcpt.detail
        if detail and account.detail_folders:
            return (detail_target(await self._store.view(deliver.account), detail),)
        return _INBOX_ONLY


_INBOX_ONLY: Plan = (FileInto(INBOX),)


def junk_target(view: AccountView) -> FileInto:
    """By special use (RFC 6154), else by name, which is made."""
    for mailbox in view.mailboxes:
        if mailbox.special_use == "\\Junk":
            return FileInto(mailbox.name)
    return FileInto(JUNK, create=True)


def detail_target(view: AccountView, detail: str) -> FileInto:
    """The folder named exactly so, else the only one that is named so but for case, else INBOX: a stranger must not be
    able to make folders, and must not learn which exist."""
    if view.by_name(detail) is not None:
        return FileInto(detail)
    folded = detail.casefold()
    alike = [mailbox.name for mailbox in view.mailboxes if mailbox.name.casefold() == folded]
    return FileInto(alike[0]) if len(alike) == 1 else FileInto(INBOX)
