"""What a reader sees of HTML; hostile markup costs linear time."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.spam.text.html import read_html, unescape


def text(markup: str) -> str:
    return " ".join(read_html(markup).text.split())


def test_words_split_by_inline_tags_are_rejoined_and_blocks_separate() -> None:
    assert text("v<b></b>ia<!-- x -->gra<br>now<p>more</p>") == "viagra now more"
    assert read_html("v<b></b>iag<span>ra</span>").splits >= 2


@pytest.mark.parametrize(
    "hidden",
    [
        '<div style="display:none">x<div>y</div>z</div>',
        '<span style="font-size:0px">x</span>',
        '<span style="font-size: 1px">x</span>',
        '<p style="color:#ffffff;background-color:#FFFFFF">x</p>',
        '<td style="visibility: hidden">x</td>',
        "<font style='opacity:0'>x</font>",
    ],
)
def test_hidden_text_is_left_out_and_counted(hidden: str) -> None:
    seen = read_html(f"<body>seen {hidden} too</body>")
    assert " ".join(seen.text.split()) == "seen too"
    assert seen.hidden > 0


def test_ordinary_styles_hide_nothing() -> None:
    seen = read_html('<p style="font-size:12px;color:#000;max-height:100px;opacity:0.9">words</p>')
    assert (seen.text.strip(), seen.hidden) == ("words", 0)


def test_links_with_what_they_show() -> None:
    (link,) = read_html('<a class="b" href="http://evil.example/x">www.<b>bank</b>.example</a>').links
    assert (link.host, link.shown_host) == ("evil.example", "www.bank.example")


def test_scripts_and_comments_are_not_read() -> None:
    seen = read_html("<style>p{}</style>a<script>var x</script>b<!-- c -->")
    assert "".join(seen.text.split()) == "ab"
    assert seen.comments > 0


def test_character_references() -> None:
    assert unescape("a&amp;b&#65;&#x42;&nbsp;") == "a&bAB\xa0"
    # int() refuses more than 4300 digits
    assert unescape("x&#" + "9" * 5_000 + ";y") == "xy"


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<a ",
        "<a href=",
        '<a href="',
        "<!--",
        "<script>",
        "<div style=",
        '<b style="display:none">',
        "&#",
        "style=",
        "</",
        "a<b></b>",
    ],
)
def test_time_is_linear_in_what_is_sent(piece: str) -> None:
    markup = piece * (65_536 // len(piece))
    began = time.process_time()
    read_html(markup)
    assert time.process_time() - began < 3.0


@given(st.text(alphabet="<>/=\"'!-&#;abstyle hrfdipny:0\n", max_size=300))
def test_any_markup_is_read(markup: str) -> None:
    seen = read_html(markup)
    assert seen.hidden >= 0
    assert len(seen.text) <= len(markup) * 2
