"""The closed list of spans is consistent."""

import itertools
from pathlib import Path

import posthouse
from posthouse.telemetry.spans import ATTRIBUTE_KEYS, EDGES, LINKS, SPAN_BY_NAME, SPAN_NAMES, SPANS


def test_each_name_is_described_once() -> None:
    assert [span.name for span in SPANS] == list(SPAN_NAMES)
    assert len(SPAN_BY_NAME) == len(SPANS)
    assert all(span.help.endswith(".") for span in SPANS)


def test_a_message_can_be_followed_from_smtp_to_imap() -> None:
    road = ["mx.transaction", "filter.message", "delivery.message", "mailstore.commit", "imap.push"]
    assert set(itertools.pairwise(road)) <= EDGES
    assert ("imap.fetch", "mailstore.commit") in LINKS


def test_edges_and_links_name_known_spans() -> None:
    assert {name for edge in EDGES | LINKS for name in edge} <= set(SPAN_NAMES)


def test_services_are_the_processes() -> None:
    assert SPAN_BY_NAME["mx.transaction"].service == "posthouse-mx"
    assert SPAN_BY_NAME["mailstore.commit"].service == "posthouse-mailstore"


def test_no_attribute_can_hold_an_address() -> None:
    forbidden = ("address", "sender", "rcpt.", "from", "subject", "body", "username", "login")
    assert not [key for key in ATTRIBUTE_KEYS if any(word in key for word in forbidden)]


def test_no_name_is_declared_that_nothing_uses() -> None:
    source = Path(posthouse.__file__).parent
    text = "\n".join(path.read_text() for path in source.rglob("*.py") if path.name != "spans.py")
    assert [name for name in (*SPAN_NAMES, *ATTRIBUTE_KEYS) if f'"{name}"' not in text] == []
