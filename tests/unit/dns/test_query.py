"""Queries are what dnspython reads; echoes are told apart."""

import dns.edns
import dns.flags
import dns.message
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.dns.query import EDNS_OCTETS, KINDS, MAX_NAME, PADDED_TO, Echo, Question, echo, encode, wire_name

LABELS = st.lists(st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=63), min_size=1, max_size=5)


def question(name: str, kind: str = "A") -> Question:
    wire = wire_name(name)
    assert wire is not None
    return Question(wire, kind)


@given(LABELS.map(".".join), st.sampled_from(sorted(KINDS)), st.binary(min_size=256, max_size=256))
def test_dnspython_reads_what_was_asked(name: str, kind: str, random: bytes) -> None:
    if wire_name(name) is None:
        assert len(name) + 2 > MAX_NAME
        return
    asked = question(name.upper(), kind)
    message = dns.message.from_wire(encode(0xBEEF, asked.drawn(random), edns=True, authentic=False))
    assert (message.id, message.flags) == (0xBEEF, dns.flags.RD)
    assert message.question[0].name.to_text(omit_final_dot=True).lower() == name
    assert dns.rdatatype.to_text(message.question[0].rdtype) == kind
    assert (message.edns, message.payload, message.ednsflags) == (0, EDNS_OCTETS, 0)


def test_whether_it_is_authentic_is_asked_by_the_ad_bit_and_edns_can_be_left_out() -> None:
    message = dns.message.from_wire(encode(1, question("example.org").plain(), edns=False, authentic=True))
    assert message.flags == dns.flags.RD | dns.flags.AD
    assert message.edns == -1


@given(LABELS.map(".".join))
def test_padding_hides_the_length_of_the_name(name: str) -> None:
    wire = wire_name(name)
    if wire is None:
        return
    query = encode(1, Question(wire, "A").plain(), edns=True, authentic=True, padded=True)
    assert len(query) % PADDED_TO == 0
    message = dns.message.from_wire(query)
    assert [option.otype for option in message.options] == [dns.edns.OptionType.PADDING]
    assert (message.edns, message.payload) == (0, EDNS_OCTETS)


def test_the_case_is_drawn_letter_by_letter() -> None:
    asked = question("ab-1.example.org", "TXT")
    assert asked.drawn(bytes(32)) == asked.plain()
    assert asked.drawn(b"\xff" * 32)[:-4] == b"\x04AB-1\x07EXAMPLE\x03ORG\0"
    assert asked.drawn(b"\x00\xff" + bytes(30))[:-4] == b"\x04Ab-1\x07example\x03org\0"
    assert asked.drawn(b"\xff" * 32)[-4:] == asked.plain()[-4:]


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("Example.ORG.", b"\x07example\x03org\0"),
        ("", b"\0"),
        (".", b"\0"),
        ("a\\.b", b"\x02a\\\x01b\0"),
        ("..", None),
        ("a..b", None),
        (".a", None),
        ("a.b..", None),
        ("x" * 63, b"\x3f" + b"x" * 63 + b"\0"),
        ("x" * 64, None),
        ("ü.example", None),
    ],
)
def test_names(name: str, wire: bytes | None) -> None:
    assert wire_name(name) == wire


def test_the_longest_name() -> None:
    longest = ".".join(["x" * 63] * 3 + ["x" * 61])
    wire = wire_name(longest)
    assert wire is not None
    assert len(wire) == MAX_NAME
    assert wire_name(longest + "x") is None


ASKED = question("mail.example.org", "MX").drawn(b"\x20\x00" * 32)


def reply(section: bytes, *, flags: int = 0x8180, questions: int = 1) -> bytes:
    return b"\x12\x34" + flags.to_bytes(2, "big") + questions.to_bytes(2, "big") + bytes(6) + section


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(ASKED + b"anything"), Echo.EXACT),
        (reply(ASKED.lower()), Echo.CASE_LOST),
        (reply(ASKED.swapcase()[:-4] + ASKED[-4:]), Echo.CASE_LOST),
        (reply(b"", questions=0), Echo.MISSING),
        (reply(ASKED, questions=2), Echo.OTHER),
        (reply(ASKED[:-1]), Echo.OTHER),
        (reply(ASKED[:-4] + b"\0\x01\0\x01"), Echo.OTHER),
        (reply(ASKED[:-2] + b"\0\x03"), Echo.OTHER),
        (
            reply(ASKED.replace(b"rg", b"rh").replace(b"RG", b"RH").replace(b"Rg", b"Rh").replace(b"rG", b"rH")),
            Echo.OTHER,
        ),
        (reply(ASKED, flags=0x0100), Echo.OTHER),
        (reply(ASKED, flags=0xA180), Echo.OTHER),
    ],
)
def test_echoes(answer: bytes, expected: Echo) -> None:
    assert echo(answer, ASKED) is expected


@given(st.binary(min_size=12, max_size=80))
def test_any_octets_have_an_echo(octets: bytes) -> None:
    assert echo(octets, ASKED) in Echo
