"""The tree is the one RFC 2046 describes, the offsets are exact, and nothing is too broken or too big for it."""

import email
import time
from email.message import Message
from typing import Any

import pytest
from hypothesis import given

from harness.corpus import KINDS, message, mixed
from harness.mime_octets import anything, well_formed
from posthouse.protocol.mime.scan import MAX_DEPTH, MAX_HEADERS, MAX_PARTS, Part, scan

# RFC 2046 §5.1.1, the first example
_SIMPLE = (
    b"From: Nathaniel Borenstein <nsb@bellcore.com>\r\n"
    b"To: Ned Freed <ned@innosoft.com>\r\n"
    b"MIME-Version: 1.0\r\n"
    b'Content-type: multipart/mixed; boundary="simple boundary"\r\n'
    b"\r\n"
    b"This is the preamble.  It is to be ignored.\r\n"
    b"\r\n"
    b"--simple boundary\r\n"
    b"\r\n"
    b"This is implicitly typed plain US-ASCII text.\r\n"
    b"It does NOT end with a linebreak.\r\n"
    b"--simple boundary\r\n"
    b"Content-type: text/plain; charset=us-ascii\r\n"
    b"\r\n"
    b"This is explicitly typed plain US-ASCII text.\r\n"
    b"It DOES end with a linebreak.\r\n"
    b"\r\n"
    b"--simple boundary--\r\n"
    b"\r\n"
    b"This is the epilogue.  It is also to be ignored.\r\n"
)

# RFC 2049 appendix A
_COMPLEX = (
    b"MIME-Version: 1.0\r\n"
    b"From: Nathaniel Borenstein <nsb@nsb.fv.com>\r\n"
    b"Content-Type: multipart/mixed;\r\n"
    b"              boundary=unique-boundary-1\r\n"
    b"\r\n"
    b"This is the preamble area of a multipart message.\r\n"
    b"--unique-boundary-1\r\n"
    b"\r\n"
    b"  ... Some text appears here ...\r\n"
    b"--unique-boundary-1\r\n"
    b"Content-type: text/plain; charset=US-ASCII\r\n"
    b"\r\n"
    b"This could have been part of the previous part.\r\n"
    b"--unique-boundary-1\r\n"
    b"Content-Type: multipart/parallel; boundary=unique-boundary-2\r\n"
    b"\r\n"
    b"--unique-boundary-2\r\n"
    b"Content-Type: audio/basic\r\n"
    b"Content-Transfer-Encoding: base64\r\n"
    b"\r\n"
    b"Li4u\r\n"
    b"--unique-boundary-2\r\n"
    b"Content-Type: image/jpeg\r\n"
    b"Content-Transfer-Encoding: base64\r\n"
    b"\r\n"
    b"Li4u\r\n"
    b"--unique-boundary-2--\r\n"
    b"--unique-boundary-1\r\n"
    b"Content-type: text/enriched\r\n"
    b"\r\n"
    b"This is <bold><italic>enriched.</italic></bold>\r\n"
    b"--unique-boundary-1\r\n"
    b"Content-Type: message/rfc822\r\n"
    b"\r\n"
    b"From: (mailbox in US-ASCII)\r\n"
    b"Subject: (subject in US-ASCII)\r\n"
    b"Content-Type: Text/plain; charset=ISO-8859-1\r\n"
    b"Content-Transfer-Encoding: Quoted-printable\r\n"
    b"\r\n"
    b"  ... Additional text in ISO-8859-1 goes here ...\r\n"
    b"--unique-boundary-1--\r\n"
)


def _types(part: Part) -> Any:
    """The tree as nested lists of types."""
    kind = (part.maintype + b"/" + part.subtype).decode()
    if part.message is not None:
        return [kind, _types(part.message)]
    return [kind, *map(_types, part.children)] if part.children else kind


def _multipart(boundary: str, *parts: bytes, end: bytes = b"--\r\n", subtype: str = "mixed") -> bytes:
    line = b"--" + boundary.encode()
    head = f"Content-Type: multipart/{subtype}; boundary={boundary}\r\n\r\n".encode()
    return head + b"".join(line + b"\r\n" + part + b"\r\n" for part in parts) + line + end


def test_rfc_2046_simple_multipart() -> None:
    root = scan(_SIMPLE)
    assert _types(root) == ["multipart/mixed", "text/plain", "text/plain"]
    first, second = root.children
    assert first.header == b"\r\n"
    assert first.content == (b"This is implicitly typed plain US-ASCII text.\r\nIt does NOT end with a linebreak.")
    assert first.lines == 1
    assert first.parameters == ((b"charset", b"us-ascii"),)
    assert second.header == b"Content-type: text/plain; charset=us-ascii\r\n\r\n"
    assert second.content.endswith(b"It DOES end with a linebreak.\r\n")
    assert second.lines == 2


def test_rfc_2049_complex_multipart() -> None:
    root = scan(_COMPLEX)
    assert _types(root) == [
        "multipart/mixed",
        "text/plain",
        "text/plain",
        ["multipart/parallel", "audio/basic", "image/jpeg"],
        "text/enriched",
        ["message/rfc822", "text/plain"],
    ]
    nested = root.children[4].message
    assert nested is not None
    assert nested.start == root.children[4].body
    assert nested.encoding == b"quoted-printable"
    assert nested.content == b"  ... Additional text in ISO-8859-1 goes here ..."
    assert root.children[4].lines == 5
    assert root.children[2].children[1].content == b"Li4u"
    assert root.children[2].children[1].lines is None


def test_the_fields_of_a_part() -> None:
    part = scan(
        b"Content-Type: Application/PDF; Name=a.pdf\r\nCONTENT-TRANSFER-ENCODING: BASE64 (c)\r\n"
        b"Content-Disposition: attachment;\r\n filename=a.pdf\r\nContent-ID: <i@d>\r\n"
        b"Content-Description: of\r\n it\r\n"
        b"Content-Language: de, en-GB\r\nContent-Location: http://x/\r\nContent-MD5: Q2hlY2s=\r\n"
        b"Content-Type: text/plain\r\n\r\nJVBE\r\n"
    )
    assert (part.maintype, part.subtype, part.parameters) == (b"application", b"pdf", ((b"name", b"a.pdf"),))
    assert part.encoding == b"base64"
    assert part.disposition == (b"attachment", ((b"filename", b"a.pdf"),))
    assert (part.content_id, part.description, part.location) == (b"<i@d>", b"of it", b"http://x/")
    assert part.language == (b"de", b"en-GB")
    assert part.md5 == b"Q2hlY2s="
    assert part.lines is None


@pytest.mark.parametrize(
    ("octets", "types"),
    [
        (b"", "text/plain"),
        (b"just text\r\n", "text/plain"),
        (b"\r\nbody", "text/plain"),
        (b"Content-Type: nonsense\r\n\r\n", "text/plain"),
        (b"Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\n", "text/plain"),
        (b'Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n\r\nx\r\n----\r\n', "text/plain"),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\nno delimiter\r\n", "text/plain"),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n", "text/plain"),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", "text/plain"),
        (b"Content-Type: multipart/mixed; boundary=b", "text/plain"),
        # boundary written with a space at its end, continued, and quoted with a colon
        (
            b'Content-Type: multipart/mixed; boundary="b "\r\n\r\n--b\r\n\r\nx\r\n--b--',
            ["multipart/mixed", "text/plain"],
        ),
        (b"Content-Type: multipart/a; boundary*0=b; boundary*1=c\r\n\r\n--bc\r\n\r\nx", ["multipart/a", "text/plain"]),
        (b'Content-Type: multipart/a;\r\n\tboundary="b:c"\r\n\r\n--b:c \t\r\n\r\nx', ["multipart/a", "text/plain"]),
        # one boundary the beginning of the other
        (
            _multipart("b", _multipart("bb", b"\r\nx", b"\r\ny"), b"\r\nz"),
            ["multipart/mixed", ["multipart/mixed", "text/plain", "text/plain"], "text/plain"],
        ),
        # the inner multipart is never closed: the outer boundary closes it
        (
            _multipart("out", _multipart("in", b"\r\nx", end=b""), b"\r\nz"),
            ["multipart/mixed", ["multipart/mixed", "text/plain"], "text/plain"],
        ),
        # cut off in the middle
        (
            _multipart("b", b"\r\nx", b"Content-Type: text/html\r\n\r\ny")[:-9],
            ["multipart/mixed", "text/plain", "text/html"],
        ),
        # after the closing delimiter nothing is a part
        (_multipart("b", b"\r\nx") + b"--b\r\n\r\ny\r\n--b--\r\n", ["multipart/mixed", "text/plain"]),
        # two delimiter lines in a row
        (_multipart("b", b"\r\nx").replace(b"--b\r\n", b"--b\r\n--b\r\n", 1), ["multipart/mixed", "text/plain"]),
        (_multipart("b", b"", b"\r\nx"), ["multipart/mixed", "text/plain", "text/plain"]),
        (
            _multipart("b", b"\r\nFrom: a\r\n\r\nx", subtype="digest"),
            ["multipart/digest", ["message/rfc822", "text/plain"]],
        ),
        (b"Content-Type: message/rfc822\r\n\r\nSubject: a\r\n\r\nb", ["message/rfc822", "text/plain"]),
        (b"Content-Type: message/global\r\n\r\nSubject: a\r\n\r\nb", ["message/global", "text/plain"]),
        (b"Content-Type: message/rfc822\r\n\r\n", ["message/rfc822", "text/plain"]),
        (
            b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdA==",
            "application/octet-stream",
        ),
        (b"Content-Type: message/delivery-status\r\n\r\nAction: failed\r\n", "message/delivery-status"),
    ],
)
def test_shapes(octets: bytes, types: object) -> None:
    assert _types(scan(octets)) == types
    assert _types(scan(octets.replace(b"\r\n", b"\n"))) == types


def test_an_encoded_message_keeps_its_name() -> None:
    part = scan(b"Content-Type: message/rfc822; name=a.eml\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdA==")
    assert (part.maintype, part.encoding, part.parameters) == (b"application", b"base64", ((b"name", b"a.eml"),))
    assert part.message is None


def test_lf_only_mail_has_the_same_contents() -> None:
    for kind in KINDS:
        octets = message(kind, 3_000)
        wanted = [part.content.replace(b"\r\n", b"\n") for part in _leaves(scan(octets))]
        assert [part.content for part in _leaves(scan(octets.replace(b"\r\n", b"\n")))] == wanted


def test_a_memoryview_is_as_good_and_not_copied_when_whole() -> None:
    octets = message("attachment", 5_000)
    assert scan(memoryview(octets)).octets is octets
    assert scan(memoryview(b"xx" + octets)[2:]) == scan(octets)
    assert scan(memoryview(bytearray(octets))) == scan(octets)


def _leaves(part: Part) -> list[Part]:
    if part.message is not None:
        return _leaves(part.message)
    return [leaf for child in part.children for leaf in _leaves(child)] if part.children else [part]


def _all(part: Part) -> list[Part]:
    found = [part]
    for child in part.children:
        found += _all(child)
    return found if part.message is None else found + _all(part.message)


def _depth(part: Part) -> int:
    below = [*part.children, *([part.message] if part.message is not None else [])]
    return 1 + max(map(_depth, below), default=0)


def test_the_first_of_two_delimiter_lines_opens_nothing() -> None:
    """RFC 2046 §5.1.1: the line break before the second belongs to the first, so there is no part between."""
    (part,) = scan(_multipart("b", b"A: b\r\n\r\nx").replace(b"--b\r\n", b"--b\r\n--b\r\n", 1)).children
    assert (part.header, part.content) == (b"A: b\r\n\r\n", b"x")


def _nested_multiparts(levels: int, *, closed: bool = False) -> bytes:
    if closed:
        octets = b"\r\nend"
        for level in range(levels):
            octets = _multipart(f"b{level}.", octets)
        return octets
    heads = [f"Content-Type: multipart/mixed; boundary=b{n}.\r\n\r\n--b{n}.\r\n".encode() for n in range(levels)]
    return b"".join(heads) + b"\r\nend\r\n"


@pytest.mark.parametrize(
    "octets",
    [_nested_multiparts(200), _nested_multiparts(200, closed=True), b"Content-Type: message/rfc822\r\n\r\n" * 200],
)
def test_too_deep_is_opaque(octets: bytes) -> None:
    root = scan(octets)
    assert _depth(root) == MAX_DEPTH
    (deepest,) = _leaves(root)
    assert (deepest.maintype, deepest.subtype) == (b"application", b"octet-stream")
    assert octets.count(b"Content-Type") - deepest.content.count(b"Content-Type") == MAX_DEPTH


def test_too_many_parts_end_in_one_opaque_leaf() -> None:
    octets = _multipart("b", *[b"\r\nx"] * 5_000)
    root = scan(octets)
    parts = _all(root)
    assert len(parts) <= MAX_PARTS
    assert len(parts) > MAX_PARTS * 0.9
    last = parts[-1]
    assert last.subtype == b"octet-stream"
    assert last.content.count(b"--b\r\n") > 4_000
    assert last.end == len(octets)


def test_many_parts_at_every_level_stay_within_the_bound() -> None:
    octets = _multipart("b0", *[b"\r\nx"] * 300)
    for level in range(1, 40):
        octets = _multipart(f"b{level}", *[b"\r\nx"] * 30, octets, *[b"\r\ny"] * 30)
    root = scan(octets)
    assert MAX_PARTS * 0.9 < len(_all(root)) <= MAX_PARTS


def test_part_headers_have_a_bound() -> None:
    big = b"Content-Type: text/plain; a=" + b"x" * (MAX_HEADERS // 4) + b"\r\n\r\nbody"
    root = scan(_multipart("b", *[big] * 20))
    assert len(root.children) < 7
    assert root.children[-1].subtype == b"octet-stream"


@pytest.mark.parametrize(
    "octets",
    [
        _multipart("b" * 60, (b"\n--" + b"b" * 59) * 20_000),
        _multipart("b", b"--b " * 400_000),
        _multipart("b", (b"\r\n--b" + b" " * 60 + b"x") * 20_000),
        b"Content-Type: text/plain" + b"; a=b" * 200_000 + b"\r\n\r\n",
        b"\nContent-Type" + b" " * 1_000_000,
        _nested_multiparts(60) + b"\n--b" * 300_000,
        b"\n" * 1_000_000,
        b"Content-Type: message/rfc822\n\n" * 60 + b"a: b\r" * 200_000,
    ],
)
def test_hostile_octets_cost_no_more_than_their_length(octets: bytes) -> None:
    before = time.process_time()
    scan(octets)
    assert time.process_time() - before < 2


def _assert_nested(part: Part) -> None:
    assert part.start <= part.body <= part.end
    at = part.body
    for child in part.children:
        assert at <= child.start
        at = child.end
        _assert_nested(child)
    assert at <= part.end
    if part.message is not None:
        assert (part.message.start, part.message.end) == (part.body, part.end)
        _assert_nested(part.message)


@given(anything())
def test_any_octets_give_a_tree_with_ranges_in_bounds(octets: bytes) -> None:
    root = scan(octets)
    assert (root.start, root.end) == (0, len(octets))
    _assert_nested(root)
    for part in _all(root):
        assert bool(part.children) is (part.maintype == b"multipart")
        assert (part.lines is not None) is (part.maintype == b"text" or part.message is not None)


@given(anything())
def test_between_children_are_delimiter_lines_only(octets: bytes) -> None:
    for part in _all(scan(octets)):
        for before, after in zip(part.children, part.children[1:], strict=False):
            for line in octets[before.end : after.start].strip(b"\r\n").split(b"\n"):
                assert line.startswith(b"--")


@given(well_formed())
def test_leaves_and_what_lies_between_make_the_message(octets: bytes) -> None:
    """Every octet belongs to one leaf body, one header, or the lines around parts."""
    root = scan(octets)
    spans: list[tuple[int, int]] = []
    for part in _all(root):
        spans.append((part.start, part.body))
        if not part.children and part.message is None:
            spans.append((part.body, part.end))
    spans.sort()
    rebuilt, at = b"", 0
    for start, end in spans:
        assert start >= at
        rebuilt += octets[at:start] + octets[start:end]
        at = end
    assert rebuilt + octets[at:] == octets


def _assert_same(part: Part, other: "Message[Any, Any]") -> None:
    assert f"{part.maintype.decode()}/{part.subtype.decode()}" == other.get_content_type()
    if part.message is not None:
        _assert_same(part.message, other.get_payload()[0])  # type: ignore[arg-type, index]
    elif part.children:
        below = other.get_payload()
        assert isinstance(below, list)
        assert len(part.children) == len(below)
        for child, theirs in zip(part.children, below, strict=True):
            _assert_same(child, theirs)
    else:
        payload = other.get_payload()
        assert isinstance(payload, str)
        assert part.content == payload.encode("ascii", "surrogateescape")
        assert part.encoding == other.get("content-transfer-encoding", "7bit").lower().encode()


@given(well_formed())
def test_same_tree_and_contents_as_the_standard_library(octets: bytes) -> None:
    _assert_same(scan(octets), email.message_from_bytes(octets))


def test_same_on_the_standard_hundred() -> None:
    for octets in mixed():
        _assert_same(scan(octets), email.message_from_bytes(octets))
