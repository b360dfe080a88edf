"""The list of kept fields is stored by number in rows."""

import hashlib

from posthouse.protocol.mime.cached_fields import NAMES, NUMBERS, mask


def test_names_are_in_lower_case_and_once() -> None:
    assert len(NUMBERS) == len(NAMES) <= 256
    assert all(name == name.lower() for name in NAMES)


def test_numbers_of_stored_rows_do_not_move() -> None:
    """Append a name, and this still holds; anything else makes stored rows lie."""
    pinned = "8d9e3474640c390a79bbc99827f30fbf4c579200f87b67dfb3b7ea6a2b90ae86"
    assert hashlib.sha256(b"\n".join(NAMES[:62])).hexdigest() == pinned


def test_mask() -> None:
    assert mask([b"date", b"from"]) == 0b101
    assert mask([]) == 0
    assert mask([b"date", b"x-never-kept"]) is None


def test_what_thunderbird_and_mutt_ask_for_is_kept() -> None:
    thunderbird = (
        b"From To Cc Bcc Resent-Message-ID Subject Date Message-ID Priority X-Priority References Newsgroups "
        b"In-Reply-To Content-Type Reply-To"
    )
    mutt = (
        b"DATE FROM SENDER SUBJECT TO CC MESSAGE-ID REFERENCES CONTENT-TYPE CONTENT-DESCRIPTION IN-REPLY-TO REPLY-TO "
        b"LINES LIST-POST LIST-SUBSCRIBE LIST-UNSUBSCRIBE X-LABEL X-ORIGINAL-TO"
    )
    for names in (thunderbird, mutt):
        assert mask(names.lower().split()) is not None
