import hashlib

from hypothesis import given
from hypothesis import strategies as st

from posthouse.mailauth.dkim.message import MAX_FIELDS, SignedMessage
from posthouse.mailauth.dkim.signature import without_value


def test_fields_as_they_stand() -> None:
    message = SignedMessage(b"A: x\r\nB : y\r\n\tz \r\nnot a field\r\na:2\r\n\r\nbody: no\r\n")
    assert [(field.name, field.raw, field.value) for field in message.fields] == [
        (b"a", b"A: x", b" x"),
        (b"b", b"B : y\r\n\tz ", b" y\r\n\tz "),
        (b"a", b"a:2", b"2"),
    ]
    assert message.by_name == {b"a": [0, 2], b"b": [1]}
    assert message.body("simple") == b"body: no\r\n"


def test_canonical_fields() -> None:
    message = SignedMessage(b"B : y\r\n\tz \r\n\r\n")
    assert message.canonical_field(0, "simple") == b"B : y\r\n\tz \r\n"
    assert message.canonical_field(0, "relaxed") == b"b:y z\r\n"


def test_a_bare_lf_is_read_as_the_crlf_of_the_signer() -> None:
    assert SignedMessage(b"A: x\nB: y\n\nbody\n").fields == SignedMessage(b"A: x\r\nB: y\r\n\r\nbody\r\n").fields
    assert SignedMessage(b"A: x\n\nbody\n").body("simple") == b"body\r\n"


def test_a_bare_cr_is_an_ordinary_octet() -> None:
    message = SignedMessage(b"A: x\ry\r\n\r\nb\rc\r\n")
    assert message.fields[0].raw == b"A: x\ry"
    assert message.body("relaxed") == b"b\rc\r\n"


def test_no_body_no_blank_line_no_header() -> None:
    assert SignedMessage(b"A: x").fields[0].raw == b"A: x"
    assert SignedMessage(b"A: x").body("simple") == b"\r\n"
    assert SignedMessage(b"\r\nbody\r\n").fields == []
    assert SignedMessage(b"").body("relaxed") == b""


def test_duplicates_are_taken_from_the_bottom_up() -> None:
    # RFC 6376 §5.4.2.
    message = SignedMessage(b"R: 1\r\nX: a\r\nR: 2\r\nR: 3\r\n\r\n")
    assert message.signed_fields([b"r", b"r", b"x", b"none"], "simple") == [b"R: 3\r\n", b"R: 2\r\n", b"X: a\r\n"]
    assert len(message.signed_fields([b"r"] * 9, "simple")) == 3


def test_the_signature_itself_is_not_counted() -> None:
    message = SignedMessage(b"D: new\r\nD: old\r\n\r\n")
    assert message.signed_fields([b"d", b"d"], "simple", but=0) == [b"D: old\r\n"]
    assert message.signed_fields([b"d", b"d"], "simple", but=1) == [b"D: new\r\n"]


def test_body_hashes_are_shared_and_cut() -> None:
    message = SignedMessage(b"A: x\r\n\r\nabc\r\n")
    assert message.body_hash("simple") == hashlib.sha256(b"abc\r\n").digest()
    assert message.body_hash("simple", 2) == hashlib.sha256(b"ab").digest()
    assert message.body("simple") is message.body("simple")


def test_the_value_of_b_goes_and_nothing_else() -> None:
    assert without_value(b" v=1; bh=AA;\r\n b=BB\r\n CC; h=b") == b" v=1; bh=AA;\r\n b=; h=b"
    assert without_value(b"b = xx; bb=b=1") == b"b =; bb=b=1"
    assert without_value(b" bh=AA; zb=1") == b" bh=AA; zb=1"


def test_a_flood_of_fields_is_cut() -> None:
    assert len(SignedMessage(b"A: x\r\n" * (MAX_FIELDS + 10) + b"\r\n").fields) == MAX_FIELDS


@given(st.lists(st.sampled_from([b"A:", b"b", b" ", b"\r\n", b"\n", b"\r", b"\t", b":", b";", b"\xff"]), max_size=50))
def test_any_octets_make_a_message(parts: list[bytes]) -> None:
    message = SignedMessage(b"".join(parts))
    for place, field in enumerate(message.fields):
        assert field.raw.endswith(field.value)
        assert b"\n" not in message.canonical_field(place, "relaxed")[:-2]
