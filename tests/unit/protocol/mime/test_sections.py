"""Sections by the part-number example of RFC 3501 §6.4.5, with prefix, partials, and everything that does not exist."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.corpus import message
from harness.mime_octets import anything
from posthouse.protocol.mime.outline import outline
from posthouse.protocol.mime.scan import Part, scan
from posthouse.protocol.mime.sections import (
    MAX_SECTION_DEPTH,
    RFC822,
    RFC822_HEADER,
    RFC822_TEXT,
    Section,
    Text,
    resolve,
)


def _mixed(boundary: bytes, *parts: bytes) -> bytes:
    lines = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    return b"Content-Type: multipart/mixed; boundary=" + boundary + b"\r\n\r\n" + lines + b"--" + boundary + b"--"


# RFC 3501 §6.4.5: HEADER; TEXT MULTIPART/MIXED; 1 TEXT/PLAIN; 2 APPLICATION/OCTET-STREAM; 3 MESSAGE/RFC822 with 3.1 and
# 3.2; 4 MULTIPART/MIXED with 4.1 IMAGE/GIF and 4.2 MESSAGE/RFC822, whose 4.2.2 is MULTIPART/ALTERNATIVE.
_ALTERNATIVE = _mixed(b"e", b"Content-Type: text/plain\r\n\r\n4.2.2.1", b"Content-Type: text/richtext\r\n\r\n4.2.2.2")
_INNER_4_2 = b"Subject: in 4.2\r\n" + _mixed(b"d", b"Content-Type: text/plain\r\n\r\n4.2.1", _ALTERNATIVE)
_INNER_3 = b"Subject: in 3\r\n" + _mixed(b"c", b"\r\n3.1", b"Content-Type: application/octet-stream\r\n\r\n3.2")
_MESSAGE = b"Subject: all\r\nTo: a@b\r\n" + _mixed(
    b"a",
    b"Content-Type: text/plain\r\n\r\n1",
    b"Content-Type: application/octet-stream\r\n\r\n2",
    b"Content-Type: message/rfc822\r\n\r\n" + _INNER_3,
    _mixed(b"b", b"Content-Type: image/gif\r\n\r\n4.1", b"Content-Type: message/rfc822\r\n\r\n" + _INNER_4_2),
)
_HEADER, _, _BODY = _MESSAGE.partition(b"\r\n\r\n")
_HEADER += b"\r\n\r\n"
_PREFIX = b"Return-Path: <x@y>\r\nTo: prefix@b\r\n"


def _answer(octets: bytes, spec: bytes, prefix: bytes = b"", partial: tuple[int, int] | None = None) -> bytes | None:
    section = Section.parse(spec)
    assert section is not None
    root = scan(octets)
    extent = resolve(root, section, prefix=prefix, partial=partial)
    assert extent == resolve(outline(root), section, prefix=prefix, partial=partial)
    if extent is None:
        return None
    assert 0 <= extent.start <= extent.end <= len(octets)
    answer = extent.assemble(octets[extent.start : extent.end])
    if extent.select is None:
        assert len(answer) == extent.size
    return answer


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (b"", _MESSAGE),
        (b"HEADER", _HEADER),
        (b"TEXT", _BODY),
        (b"1", b"1"),
        (b"1.MIME", b"Content-Type: text/plain\r\n\r\n"),
        (b"2", b"2"),
        (b"3", _INNER_3),
        (b"3.HEADER", _INNER_3.partition(b"--c")[0]),
        (b"3.TEXT", _INNER_3.partition(b"\r\n\r\n")[2]),
        (b"3.MIME", b"Content-Type: message/rfc822\r\n\r\n"),
        (b"3.1", b"3.1"),
        (b"3.1.MIME", b"\r\n"),
        (b"3.2", b"3.2"),
        (b"4.MIME", b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"),
        (b"4.1", b"4.1"),
        (b"4.1.MIME", b"Content-Type: image/gif\r\n\r\n"),
        (b"4.2.HEADER", _INNER_4_2.partition(b"--d")[0]),
        (b"4.2.TEXT", _INNER_4_2.partition(b"\r\n\r\n")[2]),
        (b"4.2.1", b"4.2.1"),
        (b"4.2.2", _ALTERNATIVE.partition(b"\r\n\r\n")[2]),
        (b"4.2.2.MIME", b"Content-Type: multipart/mixed; boundary=e\r\n\r\n"),
        (b"4.2.2.1", b"4.2.2.1"),
        (b"4.2.2.2", b"4.2.2.2"),
        (b"4.2.2.2.MIME", b"Content-Type: text/richtext\r\n\r\n"),
        (b"HEADER.FIELDS (subject x)", b"Subject: all\r\n\r\n"),
        (b"HEADER.FIELDS (x)", b"\r\n"),
        (b"HEADER.FIELDS.NOT (subject to)", b"Content-Type: multipart/mixed; boundary=a\r\n\r\n"),
        (b"3.HEADER.FIELDS (SUBJECT)", b"Subject: in 3\r\n\r\n"),
        (b"4.2.HEADER.FIELDS.NOT (Content-Type)", b"Subject: in 4.2\r\n\r\n"),
        # not there
        (b"5", None),
        (b"1.1", None),
        (b"1.HEADER", None),
        (b"1.TEXT", None),
        (b"4.HEADER", None),
        (b"4.TEXT", None),
        (b"4.3", None),
        (b"3.3", None),
        (b"3.1.1", None),
        (b"5.MIME", None),
        (b"1.HEADER.FIELDS (subject)", None),
        (b"4.2.2.2.1", None),
    ],
)
def test_rfc_3501_part_numbers(spec: bytes, expected: bytes | None) -> None:
    assert _answer(_MESSAGE, spec) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (b"1", b"body\r\n"),
        (b"1.MIME", b"Subject: s\r\n\r\n"),
        (b"TEXT", b"body\r\n"),
        (b"2", None),
        (b"1.1", None),
        (b"1.TEXT", None),
    ],
)
def test_a_message_that_is_one_part(spec: bytes, expected: bytes | None) -> None:
    assert _answer(b"Subject: s\r\n\r\nbody\r\n", spec) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (b"1", b"Subject: in\r\n\r\nbody"),
        (b"1.HEADER", b"Subject: in\r\n\r\n"),
        (b"1.TEXT", b"body"),
        (b"1.1", b"body"),
        (b"1.1.MIME", b"Subject: in\r\n\r\n"),
        (b"1.2", None),
        (b"HEADER", b"Content-Type: message/rfc822\r\n\r\n"),
    ],
)
def test_a_message_that_is_a_message(spec: bytes, expected: bytes | None) -> None:
    assert _answer(b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody", spec) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (b"", _PREFIX + _MESSAGE),
        (b"HEADER", _PREFIX + _HEADER),
        (b"TEXT", _BODY),
        (b"1", b"1"),
        (b"3.HEADER.FIELDS (to)", b"\r\n"),
        (b"HEADER.FIELDS (to)", b"To: prefix@b\r\nTo: a@b\r\n\r\n"),
        (b"HEADER.FIELDS.NOT (to content-type)", b"Return-Path: <x@y>\r\nSubject: all\r\n\r\n"),
    ],
)
def test_the_prefix_is_part_of_the_message_only(spec: bytes, expected: bytes) -> None:
    assert _answer(_MESSAGE, spec, _PREFIX) == expected


def test_the_prefix_stands_in_the_mime_header_of_a_single_part() -> None:
    assert _answer(b"Subject: s\r\n\r\nbody", b"1.MIME", _PREFIX) == _PREFIX + b"Subject: s\r\n\r\n"


def test_rfc_822_forms() -> None:
    assert Section.parse(b"") == RFC822
    assert Section.parse(b"HEADER") == RFC822_HEADER
    assert Section.parse(b"TEXT") == RFC822_TEXT


@pytest.mark.parametrize("spec", [b"", b"HEADER", b"TEXT", b"3", b"HEADER.FIELDS (to subject)", b"4.2.2.1"])
@pytest.mark.parametrize("prefix", [b"", _PREFIX])
def test_partials_are_slices(spec: bytes, prefix: bytes) -> None:
    whole = _answer(_MESSAGE, spec, prefix)
    assert whole is not None
    edges = (0, 1, 5, len(_PREFIX) - 1, len(_PREFIX), len(_PREFIX) + 1, len(whole) - 1, len(whole), len(whole) + 9)
    for offset, length in itertools.product(edges, (0, 1, 7, len(_PREFIX), 10_000)):
        assert _answer(_MESSAGE, spec, prefix, (offset, length)) == whole[offset : offset + length]


def test_a_message_without_blank_line_has_none_in_its_header() -> None:
    assert _answer(b"Subject: s\r\n", b"HEADER") == b"Subject: s\r\n"
    assert _answer(b"Subject: s", b"HEADER.FIELDS (subject)") == b"Subject: s\r\n\r\n"
    assert _answer(b"", b"TEXT") == b""


@pytest.mark.parametrize(
    ("spec", "section"),
    [
        (b"", Section()),
        (b"1.2.3", Section((1, 2, 3))),
        (b"header", Section(text=Text.HEADER)),
        (b"1.Mime", Section((1,), Text.MIME)),
        (b"1.HEADER.FIELDS (From TO)", Section((1,), Text.FIELDS, (b"From", b"TO"))),
        (b'HEADER.FIELDS.NOT ("a b" c)', Section((), Text.FIELDS_NOT, (b"a b", b"c"))),
        (b"MIME", None),
        (b"0", None),
        (b"1.", None),
        (b".HEADER", None),
        (b"1HEADER", None),
        (b"1.0", None),
        (b"HEADER.FIELDS", None),
        (b"HEADER.FIELDS ()", None),
        (b"HEADER (a)", None),
        (b"1 (a)", None),
        (b"BODY", None),
        (b".".join([b"1"] * (MAX_SECTION_DEPTH + 1)), None),
    ],
)
def test_parse(spec: bytes, section: Section | None) -> None:
    assert Section.parse(spec) == section


@pytest.mark.parametrize(
    "spec", [b"", b"TEXT", b"1.2.MIME", b"HEADER.FIELDS (From To)", b'1.HEADER.FIELDS.NOT ("a b" "c\\"")']
)
def test_label_is_what_was_asked(spec: bytes) -> None:
    section = Section.parse(spec)
    assert section is not None
    assert section.label() == spec


def _numbered(part: Part, path: tuple[int, ...]) -> dict[tuple[int, ...], Part]:
    """Every part with its number, written down from the definition: multiparts count their parts, a message is looked
    through, and one that is no multipart has its body as part 1."""
    if part.children:
        found: dict[tuple[int, ...], Part] = {}
        for number, child in enumerate(part.children, 1):
            own = (*path, number)
            found[own] = child
            if child.message is not None:
                found |= _numbered(child.message, own)
            elif child.children:
                found |= _numbered(child, own)
        return found
    own = (*path, 1)
    return {own: part} | (_numbered(part.message, own) if part.message is not None else {})


@given(anything(), st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_every_number_and_no_other(octets: bytes, random_path: list[int]) -> None:
    root = scan(octets)
    numbered = _numbered(root, ())
    for path, part in numbered.items():
        extent = resolve(root, Section(path))
        assert extent is not None
        assert (extent.start, extent.end) == (part.body, part.end)
    assert (resolve(root, Section(tuple(random_path))) is not None) is (tuple(random_path) in numbered)


@given(anything(), st.sampled_from([b"", b"X: y\r\n"]), st.integers(0, 400), st.integers(0, 400))
def test_partials_of_any_octets(octets: bytes, prefix: bytes, offset: int, length: int) -> None:
    assert _answer(octets, b"", prefix, (offset, length)) == (prefix + octets)[offset : offset + length]


def test_header_and_text_make_the_message() -> None:
    for seed in range(20):
        octets = message("forwarded", 2_000, seed)
        header, text = _answer(octets, b"HEADER"), _answer(octets, b"TEXT")
        assert header is not None
        assert text is not None
        assert header + text == octets
