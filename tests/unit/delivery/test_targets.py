"""Which folder a delivery goes to."""

import uuid

import pytest

from posthouse.delivery.targets import JUNK, FileInto, detail_target, junk_target
from posthouse.model.ids import AccountId, MailboxId, MailboxNumber, ModSeq, Uid, UidValidity
from posthouse.model.mailbox import AccountView, Mailbox


def view(*names: str, special: dict[str, str] | None = None) -> AccountView:
    mailboxes = tuple(
        Mailbox(
            MailboxNumber(number),
            MailboxId(uuid.UUID(int=number)),
            name,
            UidValidity(1),
            Uid(1),
            ModSeq(1),
            0,
            0,
            0,
            0,
            ModSeq(0),
            special_use=(special or {}).get(name, ""),
        )
        for number, name in enumerate(("INBOX", *names), 1)
    )
    return AccountView(AccountId(uuid.UUID(int=1)), ModSeq(1), 0, 0, 1, False, mailboxes)


@pytest.mark.parametrize(
    ("names", "detail", "folder"),
    [
        (("lists",), "lists", "lists"),
        (("Lists",), "lists", "Lists"),
        (("Lists", "LISTS"), "lists", "INBOX"),
        (("Lists", "lists"), "lists", "lists"),
        (("a/b",), "a/b", "a/b"),
        ((), "lists", "INBOX"),
        ((), "inbox", "INBOX"),
        (("Straße",), "STRASSE", "Straße"),
    ],
)
def test_detail(names: tuple[str, ...], detail: str, folder: str) -> None:
    assert detail_target(view(*names), detail) == FileInto(folder)


def test_junk_goes_by_special_use_then_by_name() -> None:
    assert junk_target(view("Spam", special={"Spam": "\\Junk"})) == FileInto("Spam")
    assert junk_target(view()) == FileInto(JUNK, create=True)
