import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.model.errors import MailboxRefused
from posthouse.store.account.names import known_form, new_name, parents


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("inbox", "INBOX"),
        ("Inbox/a", "INBOX/a"),
        ("a/inbox", "a/inbox"),
        ("inboxes", "inboxes"),
        ("Entwu\u0308rfe", "Entw\u00fcrfe"),
        ("a/b", "a/b"),
    ],
)
def test_known_form(given_name: str, kept: str) -> None:
    assert known_form(given_name) == kept


def test_one_trailing_separator_declares_children() -> None:
    assert new_name("a/b/") == "a/b"


@pytest.mark.parametrize("name", ["", "/", "//", "a//", "a\x7f", "a\u2028b", "a%", "*", "#x", "\ud800", "é" * 501])
def test_refused(name: str) -> None:
    with pytest.raises(MailboxRefused):
        new_name(name)


@given(st.text(max_size=40))
def test_a_name_is_refused_or_stays_as_it_is_kept(name: str) -> None:
    try:
        kept = new_name(name)
    except MailboxRefused:
        return
    assert new_name(kept) == kept == known_form(kept)
    assert all(new_name(level) == level for level in parents(kept))


def test_parents_come_topmost_first() -> None:
    assert list(parents("a/b/c")) == ["a", "a/b"]
    assert list(parents("a")) == []
