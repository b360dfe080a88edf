"""docs/rfcs.tsv: what of which RFC is there. Each row's files cite what it says; each RFC cited has a row."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "services" / "posthouse"
TABLE = ROOT / "docs" / "rfcs.tsv"
COLUMNS = ["rfc", "section", "status", "where", "note"]
NONE = "-"
# A citation: the number, then any sections that follow it: `RFC 9051 §6.3.2, §6.3.3 and §9`.
_CITATION = re.compile(r"RFC (\d{3,5})((?:,? (?:and |or |to )?§[0-9A-Z]+(?:\.[0-9]+)*)*)")
_SECTION = re.compile(r"§([0-9A-Z]+(?:\.[0-9]+)*)")
_LINE_BREAK = re.compile(r"\s*\n\s*(?:#:?|--|//)?\s*")


@dataclass(frozen=True)
class Row:
    rfc: int
    section: str
    status: str
    where: tuple[str, ...]
    note: str

    def __str__(self) -> str:
        return f"RFC {self.rfc}" + (f" §{self.section}" if self.section != NONE else "")


def rows() -> list[Row]:
    head, *lines = TABLE.read_text().splitlines()
    assert head.split("\t") == COLUMNS
    found = []
    for line in lines:
        rfc, section, status, where, note = line.split("\t")
        found.append(Row(int(rfc), section, status, () if where == NONE else tuple(where.split(" ")), note))
    return found


def citations(text: str) -> Iterator[tuple[int, str]]:
    """(RFC, section) of each citation; the section is `-` where none is named."""
    for match in _CITATION.finditer(_LINE_BREAK.sub(" ", text)):
        for section in _SECTION.findall(match[2]) or [NONE]:
            yield int(match[1]), section


def cited(path: Path) -> set[tuple[int, str]]:
    return set(citations(path.read_text()))


ROWS = rows()


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_row_is_true(row: Row) -> None:
    assert row.status in {"yes", "partial", "no"}
    assert row.note
    assert row.where or row.status != "yes", "what is there is somewhere"
    for name in row.where:
        found = cited(PACKAGE / name)
        if row.section == NONE:
            assert row.rfc in {rfc for rfc, _ in found}, f"{name} does not cite {row}"
        else:
            assert (row.rfc, row.section) in found or any(
                rfc == row.rfc and section.startswith(row.section + ".") for rfc, section in found
            ), f"{name} does not cite {row}"


def test_rows_are_sorted_and_distinct() -> None:
    def key(row: Row) -> tuple[int, list[tuple[int, str]]]:
        parts = row.section.split(".")
        return row.rfc, [(int(part), "") if part.isdigit() else (999, part) for part in parts if part != NONE]

    keys = [key(row) for row in ROWS]
    assert keys == sorted(keys)
    assert len({(row.rfc, row.section) for row in ROWS}) == len(ROWS)


def test_every_rfc_cited_has_a_row() -> None:
    known = {row.rfc for row in ROWS}
    unknown = {
        f"{path.relative_to(ROOT)}: RFC {rfc}"
        for path in PACKAGE.rglob("*")
        if path.suffix in {".py", ".sql", ".cql"} and "_pb2" not in path.name
        for rfc, _ in cited(path)
        if rfc not in known
    }
    assert not unknown


def test_citations_are_found() -> None:
    text = "as RFC 9051 §6.3.2, §9 says\n# (RFC 5321\n# §4.5.1); RFC822.TEXT is none, RFC 2142 is"
    assert list(citations(text)) == [(9051, "6.3.2"), (9051, "9"), (5321, "4.5.1"), (2142, "-")]
