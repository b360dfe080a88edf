"""The row: what it answers is what the message says, and its layout is stored, so it is pinned."""

import time

import pytest
from hypothesis import given

from harness.corpus import KINDS, message
from harness.imap_grammar import read_body, read_envelope
from harness.mime_octets import anything
from posthouse.protocol.mime import prepared
from posthouse.protocol.mime.bodystructure import body, bodystructure
from posthouse.protocol.mime.cached_fields import NAMES
from posthouse.protocol.mime.dates import SentDate
from posthouse.protocol.mime.envelope import envelope
from posthouse.protocol.mime.header import MAX_HEADER, Headers
from posthouse.protocol.mime.outline import outline
from posthouse.protocol.mime.prepared import (
    MAX_STRUCTURE,
    RowVersionError,
    Value,
    body_of,
    bodystructure_of,
    date_of,
    decode,
    encode,
    envelope_of,
    envelopes_of,
    header_fields_of,
    outline_of,
    prepare,
    value_of,
)
from posthouse.protocol.mime.scan import scan
from posthouse.protocol.mime.sections import Section, resolve

_OCTETS = (
    b"Received: from a\r\n"
    b"From: A <a@b>\r\n"
    b"To: c@d\r\n"
    b"TO: e@f\r\n"
    b"Subject: a\r\n folded\r\n"
    b"Date: Tue, 3 Nov 2026 10:00:00 +0100\r\n"
    b"Message-ID: <m@b>\r\n"
    b"Cc:\r\n"
    b"Content-Type: text/plain\r\n"
    b"\r\n"
    b"body\r\n"
)
# The row of _OCTETS in layout 1. Stored rows look like this: it must stay readable for ever.
_GOLDEN = bytes.fromhex(
    "01033c00160100003d01000074010000820100009a0100002802000038020000a2000000a80000000000000090a2e96a000000002802"
    "000008000000a00100000700000030020000080000009a0100000000000000000000ffffffff020200000500000000000000ffffffff"
    "00000000ffffffff28225475652c2033204e6f7620323032362031303a30303a3030202b303130302220226120666f6c646564222028"
    "28224122204e494c20226122202262222929202828224122204e494c20226122202262222929202828224122204e494c202261222022"
    "622229292028284e494c204e494c202263222022642229284e494c204e494c20226522202266222929204e494c204e494c204e494c20"
    "223c6d40623e2229282274657874222022706c61696e22204e494c204e494c204e494c20223762697422203620312928227465787422"
    "2022706c61696e22204e494c204e494c204e494c2022376269742220362031204e494c204e494c204e494c204e494c29000000000000"
    "a2000000a8000000020f000509000509000115000026000813000605000d1a0046726f6d3a2041203c6140623e0d0a546f3a20634064"
    "0d0a544f3a206540660d0a5375626a6563743a20610d0a20666f6c6465640d0a446174653a205475652c2033204e6f76203230323620"
    "31303a30303a3030202b303130300d0a4d6573736167652d49443a203c6d40623e0d0a43633a0d0a436f6e74656e742d547970653a20"
    "746578742f706c61696e0d0a6120666f6c6465646340642c20654066"
)

_THUNDERBIRD = Section.parse(
    b"HEADER.FIELDS (From To Cc Bcc Resent-Message-ID Subject Date Message-ID Priority X-Priority References "
    b"Newsgroups In-Reply-To Content-Type Reply-To)"
)
_PREFIX = b"Return-Path: <x@y>\r\nDelivered-To: c@d\r\n\tfolded\r\nX-Posthouse-Spam: no\r\n"


def test_layout_1_is_read_and_written_for_ever() -> None:
    assert encode(prepare(_OCTETS)) == _GOLDEN
    assert decode(_GOLDEN) == prepare(_OCTETS)


def test_values() -> None:
    row = encode(prepare(_OCTETS))
    assert {which: value_of(row, which) for which in Value} == {
        Value.SUBJECT: b"a folded",
        Value.FROM: b"A <a@b>",
        Value.TO: b"c@d, e@f",
        Value.CC: b"",
        Value.BCC: None,
        Value.MESSAGE_ID: b"<m@b>",
        Value.IN_REPLY_TO: None,
        Value.REFERENCES: None,
    }
    assert date_of(row) == SentDate(1_793_696_400, 60)
    assert decode(row).size == len(_OCTETS)
    assert decode(row).header_length == _OCTETS.index(b"body")


def test_a_message_without_date() -> None:
    assert date_of(encode(prepare(b"Subject: a\r\n\r\n"))) is None
    assert date_of(encode(prepare(b"Date: soon\r\n\r\n"))) is None
    before = encode(prepare(b"Date: 1 Jan 1960 00:00:00 -0800\r\n\r\n"))
    assert date_of(before) == SentDate(-315_590_400, -480)


@pytest.mark.parametrize("kind", KINDS)
def test_each_slice_is_what_the_tree_gives(kind: str) -> None:
    octets = message(kind, 3_000, seed=2)
    part = scan(octets)
    row = encode(prepare(memoryview(octets)))
    assert envelope_of(row) == envelope(Headers(part.header))
    assert envelopes_of([row, row]) == [envelope_of(row)] * 2
    assert body_of(row) == body(part)
    assert bodystructure_of(row) == bodystructure(part)
    assert outline_of(row) == outline(part)


@given(anything())
def test_any_octets_make_a_row_that_reads_back(octets: bytes) -> None:
    made = prepare(octets)
    assert decode(encode(made)) == made
    read_envelope(made.envelope)
    read_body(made.body, extended=False)
    read_body(made.bodystructure, extended=True)


@given(anything())
def test_kept_fields_are_those_of_the_message(octets: bytes) -> None:
    """HEADER.FIELDS from the row is HEADER.FIELDS from the blob, for one name and for all, with and without prefix."""
    part = scan(octets)
    if part.header.startswith((b" ", b"\t")):
        return  # continues nothing; the row leaves out what is no field
    row = encode(prepare(octets))
    for spec in (b"HEADER.FIELDS (subject to)", b"HEADER.FIELDS (%b)" % b" ".join(NAMES), b"HEADER.FIELDS (x-tuid)"):
        section = Section.parse(spec)
        assert section is not None
        for prefix in (b"", _PREFIX):
            extent = resolve(part, section, prefix=prefix)
            assert extent is not None
            assert header_fields_of(row, section, prefix) == extent.assemble(octets[extent.start : extent.end])


def test_fields_come_with_the_prefix_first() -> None:
    row = encode(prepare(b"Subject: s\r\nReturn-Path: <forged@x>\r\n\r\n"))
    section = Section.parse(b"HEADER.FIELDS (Subject Return-Path Delivered-To)")
    assert section is not None
    assert header_fields_of(row, section, _PREFIX) == (
        b"Return-Path: <x@y>\r\nDelivered-To: c@d\r\n\tfolded\r\nSubject: s\r\nReturn-Path: <forged@x>\r\n\r\n"
    )


@pytest.mark.parametrize(
    "spec",
    [b"HEADER.FIELDS (received)", b"HEADER.FIELDS.NOT (date)", b"1.HEADER.FIELDS (date)", b"HEADER", b"", b"1"],
)
def test_what_the_row_cannot_answer(spec: bytes) -> None:
    section = Section.parse(spec)
    assert section is not None
    assert header_fields_of(encode(prepare(_OCTETS)), section) is None


def test_a_header_past_the_bound_is_answered_from_the_blob() -> None:
    row = encode(prepare(b"Subject: a\r\nX: " + b"x" * MAX_HEADER + b"\r\nDate: 1 Jan 2026 00:00:00 +0000\r\n\r\n"))
    assert _THUNDERBIRD is not None
    assert header_fields_of(row, _THUNDERBIRD) is None
    assert value_of(row, Value.SUBJECT) == b"a"
    assert not decode(row).header_whole


def test_a_field_longer_than_an_index_entry() -> None:
    octets = b"Date: d\r\nTo: " + b"a@b,\r\n " * 20_000 + b"a@b\r\nSubject: s\r\n\r\n"
    row = encode(prepare(octets))
    section = Section.parse(b"HEADER.FIELDS (to)")
    assert section is not None
    assert header_fields_of(row, section) == octets[9:-14] + b"\r\n"
    assert decode(row) == prepare(octets)


def test_a_structure_past_the_bound_is_one_opaque_part(monkeypatch: pytest.MonkeyPatch) -> None:
    octets = message("alternative", 3_000)
    assert len(prepare(octets).bodystructure) < MAX_STRUCTURE
    monkeypatch.setattr(prepared, "MAX_STRUCTURE", 100)
    row = encode(prepare(octets))
    assert read_body(bodystructure_of(row), extended=True)["subtype"] == b"octet-stream"
    assert not outline_of(row).children


def test_a_row_of_a_later_layout_is_refused() -> None:
    row = b"\x02" + encode(prepare(_OCTETS))[1:]
    with pytest.raises(RowVersionError):
        decode(row)
    with pytest.raises(RowVersionError):
        envelope_of(row)
    with pytest.raises(RowVersionError):
        envelopes_of([row])


def test_hostile_headers_make_rows_in_bounds() -> None:
    for value in (b"a,", b"a@b,", b'"' * 7 + b"a@b,", b"<@a:b@c>,", b";:"):
        field = value * (40_000 // len(value))
        octets = b"".join(b"%b: %b\r\n" % (name, field) for name in (b"From", b"To", b"Cc", b"Bcc", b"Subject"))
        before = time.process_time()
        row = encode(prepare(octets + b"\r\n"))
        assert time.process_time() - before < 3
        assert len(row) < 2_000_000
        read_envelope(envelope_of(row))


def test_envelopes_of_ten_thousand_rows() -> None:
    """The bar is 10 ms on a quiet machine (loadtests/mime.py shows the figure); here only an order of magnitude."""
    rows = [encode(prepare(_OCTETS))] * 10_000
    before = time.process_time()
    for row in rows:
        envelope_of(row)
    assert time.process_time() - before < 0.1
