"""The packed section table is the scanned tree's offsets."""

import struct

import pytest
from hypothesis import given

from harness.corpus import KINDS, message
from harness.mime_octets import anything
from posthouse.protocol.mime.outline import Outline, outline, pack, unpack
from posthouse.protocol.mime.scan import Part, scan


def _assert_same(outlined: Outline, part: Part) -> None:
    assert (outlined.start, outlined.body, outlined.end) == (part.start, part.body, part.end)
    assert len(outlined.children) == len(part.children)
    for below, child in zip(outlined.children, part.children, strict=True):
        _assert_same(below, child)
    assert (outlined.message is None) is (part.message is None)
    if outlined.message is not None and part.message is not None:
        _assert_same(outlined.message, part.message)


@given(anything())
def test_round_trip(octets: bytes) -> None:
    part = scan(octets)
    _assert_same(unpack(pack(part)), part)
    assert unpack(pack(part)) == outline(part)


@pytest.mark.parametrize("kind", KINDS)
def test_round_trip_of_the_corpus(kind: str) -> None:
    part = scan(message(kind, 3_000))
    _assert_same(unpack(pack(outline(part))), part)


def test_one_part_takes_fourteen_octets() -> None:
    assert pack(scan(b"Subject: s\r\n\r\nbody")) == bytes.fromhex("0000 00000000 0e000000 12000000")


def test_damage_shows() -> None:
    with pytest.raises(struct.error):
        unpack(pack(scan(message("alternative", 3_000)))[:-5])
