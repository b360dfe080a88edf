"""Tables, sizes, times."""

from hypothesis import given
from hypothesis import strategies as st

from posthouse.cli import output
from posthouse.cli.output import Column, clean, pairs, table


def test_columns_are_aligned_without_trailing_blanks() -> None:
    text = table([Column("name"), Column("count", True), Column("note")], [("a", 5, None), ("long name", 12, "x")])
    assert text == "NAME       COUNT  NOTE\na              5  -\nlong name     12  x\n"


def test_an_empty_table_is_its_titles() -> None:
    assert table([Column("name")], []) == "NAME\n"


def test_pairs() -> None:
    assert pairs([("a", 1), ("long", "")]) == "a     1\nlong  -\n"
    assert pairs([]) == "\n"


def test_nothing_that_comes_from_mail_drives_the_terminal() -> None:
    assert clean("a\x1b[2Jb\r\n\x9bc\u202ed") == "a?[2Jb???c?d"
    assert clean("plain ünïcode") == "plain ünïcode"
    assert "\x1b" not in table([Column("x")], [("\x1b]0;owned\x07",)])


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5))
def test_every_row_is_one_line(rows: list[tuple[str, str]]) -> None:
    text = table([Column("a"), Column("b", True)], rows)
    assert len(text.split("\n")) == len(rows) + 2
    assert all(character == "\n" or character.isprintable() for character in text)


def test_sizes() -> None:
    assert [output.size(n) for n in (0, 1023, 1024, 1 << 20, 5 << 30, 7 << 40)] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "1.0 MiB",
        "5.0 GiB",
        "7.0 TiB",
    ]
    assert output.size(None) == "no limit"
    assert output.limit(None) == "no limit"
    assert output.limit(7) == "7"


def test_times() -> None:
    us = 1_790_000_000_123_456
    assert output.time(us) == "2026-09-21 14:13:20Z"
    assert output.time_ms(us) == "2026-09-21 14:13:20.123Z"
    assert output.time(0) == output.time(None) == "-"


def test_spans() -> None:
    seconds = (0.0, 0.85, 12, 119, 600, 7_000, 18_000, 200_000)
    assert [output.span(s) for s in seconds] == [
        "0 ms",
        "850 ms",
        "12 s",
        "119 s",
        "10 min",
        "117 min",
        "5 h",
        "2 d",
    ]
    assert (output.yes(True), output.yes(False)) == ("yes", "no")
