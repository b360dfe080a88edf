"""Every rule fires on what it is about; names and meanings are for people."""

import re

import pytest

from posthouse.spam.features.rules import NAMES, RULES, fired
from posthouse.spam.text.message import Message


def names(text: str) -> set[str]:
    return {NAMES[i] for i in fired(Message(text=text))}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("i am the next of kin", "ADVANCE_FEE"),
        ("please verify your account", "VERIFY_ACCOUNT"),
        ("your mailbox is almost full", "MAILBOX_FULL"),
        ("buy viagra", "PILLS"),
        ("click here", "CLICK_HERE"),
        ("pay in bitcoin", "CRYPTO"),
        ("to be removed, reply", "REMOVE_ME"),
        ("diff --git a b", "PATCH_OR_CODE"),
    ],
)
def test_rules_fire(text: str, rule: str) -> None:
    assert rule in names(text)


def test_ordinary_mail_fires_none() -> None:
    assert names("shall we meet for lunch on tuesday") == set()
    assert names("") == set()


def test_rules_are_for_people() -> None:
    assert len(set(NAMES)) == len(RULES)
    for rule in RULES:
        assert re.fullmatch(r"[A-Z_]+", rule.name)
        assert rule.means
        re.compile(rule.pattern)
