import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.model.reputation import ListHit
from posthouse.reputation.list_entry import MAX_LISTS, parse_list, parse_lists

ZEN = parse_list("zen.example. ip 127.0.0.2=4:sbl 127.0.0.4-7=3:xbl 127.0.0.*=0.5:other")
MASKED = parse_list("uri.example domain+uri 127.0.0.&2=3:black 127.0.0.&4=1:grey")
GOOD = parse_list("good.example ip 127.0.*.2=-1.5 127.0.*.3=-3:white")


@pytest.mark.parametrize(
    ("records", "name", "score"),
    [
        (["127.0.0.2"], "sbl", 4.0),
        (["127.0.0.5"], "xbl", 3.0),
        (["127.0.0.9"], "other", 0.5),
        (["127.0.0.9", "127.0.0.6", "127.0.0.2"], "sbl", 4.0),
    ],
)
def test_of_what_matches_the_weightiest_counts(records: list[str], name: str, score: float) -> None:
    hit, error = ZEN.read(records)
    assert hit is not None
    assert (hit.list, hit.name, hit.score) == ("zen.example", name, score)
    assert hit.code in records
    assert not error


def test_masks_look_at_bits() -> None:
    assert MASKED.read(["127.0.0.6"])[0] == ListHit("uri.example", "127.0.0.6", 3.0, "black")
    assert MASKED.read(["127.0.0.12"])[0] == ListHit("uri.example", "127.0.0.12", 1.0, "grey")
    assert MASKED.read(["127.0.0.8"]) == (None, False)


def test_lists_of_good_senders_speak_for_them_under_the_zones_name() -> None:
    assert GOOD.read(["127.0.9.2"])[0] == ListHit("good.example", "127.0.9.2", -1.5, "good")
    assert GOOD.read(["127.0.9.3"])[0] == ListHit("good.example", "127.0.9.3", -3.0, "white")


@pytest.mark.parametrize(
    "record",
    ["127.255.255.254", "127.255.255.0", "192.0.2.1", "126.0.0.2", "127.0.0", "127.0.0.2.1", "127.0.0.999", ""],
)
def test_error_codes_and_foreign_answers_list_nobody(record: str) -> None:
    greedy = parse_list("zen.example ip 127.*.*.*=5")
    assert greedy.read([record]) == (None, True)
    assert greedy.read([record, "127.0.0.2"])[0] == ListHit("zen.example", "127.0.0.2", 5.0, "zen")


@pytest.mark.parametrize(
    "entry",
    [
        "zen.example",
        "zen.example ip",
        "zen.example mail 127.0.0.2=1",
        "zen.example ip+ 127.0.0.2=1",
        "no_zone! ip 127.0.0.2=1",
        "zen.example ip 127.0.0.2",
        "zen.example ip 127.0.0.2=",
        "zen.example ip 127.0.0.2=much",
        "zen.example ip 127.0.0.2=nan",
        "zen.example ip 127.0.0.2=11",
        "zen.example ip 127.0.0.2=inf",
        "zen.example ip 127.0.0=1",
        "zen.example ip 127.0.0.256=1",
        "zen.example ip 127.0.0.7-4=1",
        "zen.example ip 127.0.0.&0=1",
        "zen.example ip 127.0.0.&256=1",
        "zen.example ip *.0.0.2=1",
        "zen.example ip 10.0.0.2=1",
        "zen.example ip 127.0.0.2=1:Bad_Name",
        "zen.example ip " + "127.0.0.2=1 " * 65,
    ],
)
def test_what_cannot_be_read_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match=r"[a-z]"):
        parse_list(entry)


def test_there_are_not_too_many() -> None:
    with pytest.raises(ValueError, match="more than"):
        parse_lists(["zen.example ip 127.0.0.2=1"] * (MAX_LISTS + 1))


@given(st.text(max_size=80))
def test_any_text_is_a_list_or_a_value_error(text: str) -> None:
    try:
        parsed = parse_list(text)
    except ValueError:
        return
    assert parsed.codes


@given(st.lists(st.one_of(st.text(max_size=20), st.ip_addresses(v=4).map(str)), max_size=6))
def test_any_answer_lists_only_within_its_codes(records: list[str]) -> None:
    hit, error = ZEN.read(records)
    within = [record for record in records if re.fullmatch(r"127\.0?0?0\.0?0?0\.[0-9]{1,3}", record, re.ASCII)]
    assert (hit is not None) == any(int(record.rpartition(".")[2]) <= 255 for record in within)
    assert error or len(within) == len(records) or all(record.startswith("127.") for record in records)


@given(st.integers(0, 255), st.integers(0, 255), st.integers(1, 255))
def test_ranges_and_masks_mean_what_they_say(low: int, value: int, mask: int) -> None:
    high = max(low, 200)
    ranged = parse_list(f"l.example ip 127.0.0.{low}-{high}=1")
    assert (ranged.read([f"127.0.0.{value}"])[0] is not None) == (low <= value <= high)
    masked = parse_list(f"l.example ip 127.0.0.&{mask}=1")
    assert (masked.read([f"127.0.0.{value}"])[0] is not None) == (value & mask == mask)
