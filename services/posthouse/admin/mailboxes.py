"""What is in an account, folder by folder."""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.admin.addresses import find_account
from posthouse.admin.context import AdminContext


@dataclass(frozen=True, slots=True)
class MailboxRow:
    name: str
    special_use: str
    messages: int
    unseen: int
    size: int
    uidnext: int
    uidvalidity: int
    highest_modseq: int
    subscribed: bool
    mailbox_id: str


@dataclass(frozen=True, slots=True)
class MailboxStatus:
    address: str
    modseq: int
    used_bytes: int
    used_msgs: int
    quota_bytes: int | None
    quota_msgs: int | None
    mailboxes: tuple[MailboxRow, ...]


async def status(context: AdminContext, *, address: str) -> MailboxStatus:
    account = await find_account(context.directory, address)
    view = await context.mail_store.view(account.account_id)
    rows = tuple(
        MailboxRow(
            m.name,
            m.special_use,
            m.total,
            m.unseen,
            m.size,
            m.uidnext,
            m.uidvalidity,
            m.highest_modseq,
            m.subscribed,
            str(m.mailbox_id),
        )
        for m in sorted(view.mailboxes, key=lambda m: (m.name != "INBOX", m.name))
    )
    return MailboxStatus(
        account.address,
        view.modseq,
        view.used_bytes,
        view.used_msgs,
        account.quota_bytes,
        account.quota_msgs,
        rows,
    )
