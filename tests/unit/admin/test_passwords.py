"""Passwords that are made, and those that are refused."""

import re

import pytest

from harness.fake_ports import SerialIds
from posthouse.admin.passwords import MAX_PASSWORD, check_password, hash_password, random_password
from posthouse.model.errors import Invalid
from posthouse.runtime.passwords import matches
from posthouse.runtime.system import SystemIds


def test_a_random_password_is_readable_and_never_the_same() -> None:
    made = {random_password(SystemIds()) for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(r"[a-hjkmnp-z2-9]{5}(-[a-hjkmnp-z2-9]{5}){3}", password) for password in made)


def test_octets_that_would_favour_some_characters_are_not_used() -> None:
    class Biased(SerialIds):
        def token(self, octets: int) -> bytes:
            return b"\xff\xf8\x00" * octets

    assert random_password(Biased()) == "aaaaa-aaaaa-aaaaa-aaaaa"


@pytest.mark.parametrize("password", ["short", "a\x00" * 8, "x" * (MAX_PASSWORD + 1), "with\nbreak"])
def test_what_no_client_could_send_is_refused(password: str) -> None:
    with pytest.raises(Invalid):
        check_password(password)


async def test_what_is_kept_is_a_hash_that_matches() -> None:
    kept = await hash_password("pässword with spaces")
    assert kept.startswith("$argon2id$")
    assert matches(kept, "pässword with spaces")
    assert not matches(kept, "password with spaces")
