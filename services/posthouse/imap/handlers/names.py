"""Mailboxes by name, and the account of a session."""

from __future__ import annotations

from posthouse.model.errors import NoSuchMailbox
from posthouse.model.ids import AccountId
from posthouse.model.mailbox import AccountView, Mailbox
from posthouse.protocol.imap.session import Session
from posthouse.protocol.imap.view import SelectedView


def existing(account: AccountView, name: str) -> Mailbox:
    found = account.by_name(name)
    if found is None:
        raise NoSuchMailbox
    return found


def account_of(session: Session) -> AccountId:
    """Only in states after the login: protocol.imap.state says which commands those are."""
    if session.account is None:
        raise AssertionError("not logged in")
    return session.account


def view_of(session: Session) -> SelectedView:
    """Only in the selected state."""
    if session.view is None:
        raise AssertionError("no mailbox selected")
    return session.view
