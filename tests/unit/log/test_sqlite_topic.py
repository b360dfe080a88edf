"""Rows of the embedded log: headers, partitions, times."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.log.sqlite_topic import PARTITIONS, SqliteTopic, pack_headers, partition_of, unpack_headers
from posthouse.model.errors import Invalid
from posthouse.ports.log import Record

names = st.text(st.characters(min_codepoint=1, codec="utf-8"), max_size=20)


@given(st.lists(st.tuples(names, st.binary(max_size=300)), max_size=5))
def test_headers_there_and_back(headers: list[tuple[str, bytes]]) -> None:
    assert unpack_headers(pack_headers(tuple(headers))) == tuple(headers)


@given(st.binary(max_size=40))
def test_partitions(key: bytes) -> None:
    assert 0 <= partition_of(key) < PARTITIONS


@pytest.fixture
def db() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)


def topic(db: sqlite3.Connection) -> SqliteTopic:
    made = SqliteTopic("mail.x.v1", find_by_key=False, compacted=False, max_tail_bytes=1000)
    db.executescript(made.ddl)
    made.load(db)
    return made


@pytest.mark.parametrize("name", ["", "x; DROP TABLE y", "A", "a b", "x" * 201])
def test_names_are_checked(name: str) -> None:
    with pytest.raises(Invalid):
        SqliteTopic(name, find_by_key=False, compacted=False, max_tail_bytes=1)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30), st.integers(-1, 60))
def test_times_never_descend_and_are_found(clock: list[int], asked: int) -> None:
    db = sqlite3.connect(":memory:", isolation_level=None)
    made = topic(db)
    taken = []
    for now in clock:
        taken += made.insert(db, [Record("mail.x.v1", b"k", b"v")], now)
        made.next_off += 2  # what a rolled-back transaction leaves behind
    times = [record.timestamp_us for record in taken]
    assert times == sorted(times)
    expected = next((r.offset for r in taken if r.timestamp_us >= asked), None)
    found = made.offset_at(db, asked)
    rows = made.rows(db, found, 1)
    assert [row.offset for row in rows] == ([] if expected is None else [expected])
