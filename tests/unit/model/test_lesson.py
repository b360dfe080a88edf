"""Which moves teach, and what."""

import pytest

from posthouse.model.lesson import lesson_of
from posthouse.model.mailbox import SPECIAL_USE

ANY = ("", *SPECIAL_USE)


@pytest.mark.parametrize(
    ("source", "target", "junk"),
    [
        ("", "\\Junk", True),
        ("\\Archive", "\\Junk", True),
        ("\\Trash", "\\Junk", True),
        ("\\Junk", "", False),
        ("\\Junk", "\\Archive", False),
        ("\\Junk", "\\Trash", None),
        ("\\Junk", "\\Sent", None),
        ("\\Sent", "\\Junk", None),
        ("\\Drafts", "\\Junk", None),
        ("\\Junk", "\\Junk", None),
    ],
)
def test_moves_across_the_border_of_junk_teach(source: str, target: str, junk: bool | None) -> None:
    assert lesson_of(source, target) is junk


def test_no_other_move_teaches() -> None:
    others = [use for use in ANY if use != "\\Junk"]
    assert {lesson_of(source, target) for source in others for target in others} == {None}
