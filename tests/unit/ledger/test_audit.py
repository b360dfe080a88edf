"""The formula."""

from dataclasses import fields

from posthouse.ledger.audit import LATE_US, AuditReport, Counts, Unaccounted
from posthouse.model.ids import QueueId


def test_every_term_counts_once() -> None:
    names = [each.name for each in fields(Counts)]
    assert names[:2] == ["accepted", "expanded"]
    counts = Counts(**{name: 10**n for n, name in enumerate(names)})
    assert counts.promised == 11
    assert counts.accounted == sum(10**n for n in range(2, len(names)))


def test_late_is_what_is_older_than_ten_minutes() -> None:
    old = Unaccounted(QueueId("a"), None, 0)
    report = AuditReport(0, 1, 1, Counts(), (old, Unaccounted(QueueId("b"), None, 10)), 0, 1)
    assert not report.clean
    assert report.late(LATE_US) == 0
    assert report.late(LATE_US + 1) == 1
    assert report.late(LATE_US + 11) == 2
