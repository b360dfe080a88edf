"""Errors on their way to the terminal."""

import io
import json

from posthouse.cli.exits import FAILED, MEANINGS, UNAVAILABLE, CommandError, of_mail_error
from posthouse.model.errors import AlreadyExists, Unavailable


def shown(error: CommandError) -> str:
    out = io.StringIO()
    error.show(out)
    return out.getvalue()


def test_permanent_and_temporary_have_codes_of_their_own() -> None:
    assert of_mail_error(AlreadyExists("x", public="it exists")).code == FAILED
    assert of_mail_error(Unavailable("down")).code == UNAVAILABLE


def test_for_people_one_line_for_programs_json() -> None:
    assert shown(of_mail_error(AlreadyExists("x", public="it exists"))) == "posthouse: it exists\n"
    error = json.loads(shown(of_mail_error(Unavailable("down"), as_json=True)))["error"]
    assert (error["kind"], error["exit"]) == ("Unavailable", 3)
    assert "down" in error["text"]


def test_every_code_has_a_meaning() -> None:
    assert [code for code, _ in MEANINGS] == [0, 1, 2, 3, 4, 130]
