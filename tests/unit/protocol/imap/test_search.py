"""SEARCH: each key on prepared messages, and any tree of keys against a naive evaluation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.mailbox_model import ACCOUNT, NUMBER, MailboxModel
from posthouse.model.flags import DELETED, FLAGGED, SEEN, Flags
from posthouse.protocol.imap import search_keys as k
from posthouse.protocol.imap.columns import Columns, Pool
from posthouse.protocol.imap.commands.search import BadCharset, Search, parse, parse_uid
from posthouse.protocol.imap.fetch import Depth
from posthouse.protocol.imap.lexer import BadSyntax, Lexer
from posthouse.protocol.imap.search import Message, Places, by_columns, match, plan
from posthouse.protocol.imap.sequence_set import parse_sequence_set
from posthouse.protocol.imap.view import SelectedView
from posthouse.protocol.mime.prepared import encode, prepare

PLAIN = (
    b"From: Ann Example <ann@example.org>\r\nTo: bob@example.net, Carol <c@x.org>\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= from Vienna\r\nDate: Tue, 5 Mar 2024 23:30:00 -0500\r\n"
    b"X-Odd: =?utf-8?b?WmFobA==?= 42\r\n\r\nA Plain body.\r\n"
)
MULTIPART = (
    b"From: x@y.org\r\nSubject: parts\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n"
    b"--B\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"na=EFve caf=E9\r\n--B\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"PHA+aGlkZGVuIHdvcmRzPC9wPg==\r\n--B\r\nContent-Type: application/pdf\r\n\r\nsecretpdf\r\n"
    b"--B\r\nContent-Type: message/rfc822\r\n\r\nSubject: nested thing\r\n\r\ninner text\r\n--B--\r\n"
)


def places() -> tuple[MailboxModel, Places]:
    model, pool = MailboxModel(), Pool()
    model.append(Flags())
    model.append(Flags(SEEN | FLAGGED, frozenset({"$Work"})))
    model.append(Flags(DELETED, frozenset({"$Work", "other"})))
    model.expunge([2])
    model.append(Flags(SEEN))
    columns = pool.adopt(ACCOUNT, NUMBER, Columns(model.contents()))
    return model, Places(SelectedView(pool, ACCOUNT, model.mailbox(), columns, read_only=False))


def key(text: bytes, *literals: bytes) -> k.Key:
    lexer = Lexer(b" " + text, literals)
    command = parse(lexer)
    lexer.end()
    return command.key


def found(text: bytes) -> list[int]:
    """UIDs."""
    _, seen = places()
    return [seen.columns.uids[i] for i in by_columns(key(text), seen, seen.indexes)]


@pytest.mark.parametrize(
    ("text", "uids"),
    [
        (b"ALL", [1, 3, 4]),
        (b"SEEN", [4]),
        (b"UNSEEN", [1, 3]),
        (b"DELETED", [3]),
        (b"KEYWORD $work", [3]),
        (b"UNKEYWORD $WORK", [1, 4]),
        (b"KEYWORD unheard", []),
        (b"UNKEYWORD unheard", [1, 3, 4]),
        (b"NEW", []),
        (b"RECENT", []),
        (b"OLD", [1, 3, 4]),
        (b"2:3", [3, 4]),
        (b"*", [4]),
        (b"7", []),
        (b"UID 3:9", [3, 4]),
        (b"UID 9:*", [4]),
        (b"NOT 1", [3, 4]),
        (b"OR 1 3", [1, 4]),
        (b"(SEEN UNDELETED)", [4]),
        (b"NOT (OR SEEN DELETED)", [1]),
        (b"LARGER 102", [3, 4]),
        (b"SMALLER 103", [1]),
        (b"MODSEQ 4", [3, 4]),
        (b'MODSEQ "/flags/\\\\Seen" all 4', [3, 4]),
        (b"SINCE 14-Nov-2023", [1, 3, 4]),
        (b"BEFORE 14-Nov-2023", []),
        (b"ON 14-Nov-2023", [1, 3, 4]),
        (b'ON "15-Nov-2023"', []),
        (b"CHARSET UTF-8 SEEN", [4]),
    ],
)
def test_columns(text: bytes, uids: list[int]) -> None:
    assert found(text) == uids


def decide(text: bytes, octets: bytes, prefix: bytes = b"") -> tuple[bool | None, bool | None, bool | None]:
    """By columns alone, with the row, with the octets."""
    _, seen = places()
    one, row = key(text), (prefix, encode(prepare(octets)))
    return (
        match(one, seen, Message(0)),
        match(one, seen, Message(0, row)),
        match(one, seen, Message(0, row, octets)),
    )


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (b"SUBJECT vienna", True),
        (b"FROM EXAMPLE.org", True),
        (b"FROM bob", False),
        (b"TO carol", True),
        (b"CC x", False),
        (b"SENTON 5-Mar-2024", True),
        (b"SENTSINCE 6-Mar-2024", False),
        (b"SENTBEFORE 6-Mar-2024", True),
        (b'HEADER Subject "from vienna"', True),
        (b'HEADER Subject ""', True),
        (b'HEADER Cc ""', False),
    ],
)
def test_rows_settle_it(text: bytes, answer: bool) -> None:
    assert decide(text, PLAIN) == (None, answer, answer)


@pytest.mark.parametrize(
    ("text", "octets", "answer"),
    [
        (b'BODY "PLAIN body"', PLAIN, True),
        (b"BODY vienna", PLAIN, False),
        (b"TEXT vienna", PLAIN, True),
        (b"TEXT grusse", PLAIN, False),
        (b"TEXT delivered-to", PLAIN, True),  # in the prefix
        (b"HEADER X-Odd zahl", PLAIN, True),
        (b"HEADER X-Odd 43", PLAIN, False),
        (b"HEADER X-None x", PLAIN, False),
        (b"BODY hidden", MULTIPART, True),
        (b"BODY secretpdf", MULTIPART, False),
        (b"BODY nested", MULTIPART, True),
        (b"BODY inner", MULTIPART, True),
        (b"BODY caf=E9", MULTIPART, False),
    ],
)
def test_octets_settle_it(text: bytes, octets: bytes, answer: bool) -> None:
    assert decide(text, octets, b"Delivered-To: me@example.org\r\n") == (None, None, answer)


def test_encoded_words_are_decoded() -> None:
    one = parse(Lexer(b" SUBJECT {7}\n", ["GRÜSSE".encode()])).key
    _, seen = places()
    assert match(one, seen, Message(0, (b"", encode(prepare(PLAIN))))) is True


def test_charsets_of_parts_are_decoded() -> None:
    one = parse(Lexer(b" CHARSET UTF-8 BODY {10}\n", ["NAÏVE café".encode()])).key
    _, seen = places()
    assert match(one, seen, Message(0, (b"", encode(prepare(MULTIPART))), MULTIPART)) is True


def test_what_is_known_already_reads_nothing() -> None:
    assert decide(b"DELETED BODY x", PLAIN) == (False, False, False)
    assert decide(b"OR UNSEEN BODY x", PLAIN) == (True, True, True)
    assert decide(b"NOT (UNSEEN)", PLAIN) == (False, False, False)
    assert decide(b"SUBJECT nothing BODY plain", PLAIN) == (None, False, False)


LEAF = st.sampled_from(
    [
        b"SEEN",
        b"DELETED",
        b"KEYWORD $work",
        b"1",
        b"UID 3",
        b"SUBJECT vienna",
        b"FROM nobody",
        b"BODY plain",
        b"BODY no",
    ]
)
TREE = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        inner.map(lambda a: b"NOT " + a),
        st.tuples(inner, inner).map(lambda p: b"OR %b %b" % p),
        st.lists(inner, min_size=1, max_size=3).map(lambda ks: b"(" + b" ".join(ks) + b")"),
    ),
    max_leaves=8,
)


def naive(one: k.Key, index: int, seen: Places) -> bool:
    match one:
        case k.Not(inner):
            return not naive(inner, index, seen)
        case k.Or(left, right):
            return naive(left, index, seen) or naive(right, index, seen)
        case k.And(keys):
            return all(naive(inner, index, seen) for inner in keys)
        case k.HeaderValue(_, text):
            return text == "vienna"
        case k.Body(text, _):
            return text == "plain"
        case _:
            return index in by_columns(one, seen, seen.indexes)


@given(TREE)
def test_any_tree(text: bytes) -> None:
    _, seen = places()
    one, row = key(text), (b"", encode(prepare(PLAIN)))
    for index in seen.indexes:
        truth = naive(one, index, seen)
        assert match(one, seen, Message(index, row, PLAIN)) is truth
        for known in (Message(index), Message(index, row)):
            assert match(one, seen, known) in (None, truth)
    if one.depth is Depth.COLUMNS:
        assert by_columns(one, seen, seen.indexes) == [i for i in seen.indexes if naive(one, i, seen)]
    easy, rest = plan(one)
    assert all(part.depth is Depth.COLUMNS for part in easy)
    assert all(part.depth is not Depth.COLUMNS for part in rest)


def test_columns_refuse_what_they_cannot_know() -> None:
    _, seen = places()
    with pytest.raises(ValueError, match="HeaderValue needs more than columns"):
        by_columns(key(b"SUBJECT x"), seen, seen.indexes)


def test_sequence_numbers_with_expunges_withheld() -> None:
    model, seen = places()
    view = seen.view
    model.expunge([1])
    assert view.fold(model.since(view.modseq))
    again = Places(view)
    # uid 1 is gone but not told: uid 3 still has number 2.
    numbers = k.Numbers(parse_sequence_set(b"2"), uid=False)
    assert [again.columns.uids[i] for i in by_columns(numbers, again, again.indexes)] == [3]
    assert [again.seqnum(i) for i in again.indexes] == [2, 3]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"FOO",
        b"()",
        b"(SEEN",
        b"NOT",
        b"OR SEEN",
        b"ON 32-Jan-2024",
        b"ON 1-Foo-2024",
        b"ON 1-Jan-24",
        b"KEYWORD",
        b"KEYWORD (a)",
        b"LARGER x",
        b"SUBJECT",
        b"HEADER From",
        b"UID x",
        b"MODSEQ",
        b'MODSEQ "/flags/x" mine 4',
        b"SEEN ",
        b"NOT " * 60 + b"SEEN",
        b"(" * 60 + b"SEEN" + b")" * 60,
        b" ".join([b"SEEN"] * 301),
    ],
)
def test_refused(text: bytes) -> None:
    with pytest.raises(BadSyntax):
        key(text)


def test_charset() -> None:
    with pytest.raises(BadCharset):
        key(b"CHARSET ISO-8859-1 ALL")
    with pytest.raises(BadSyntax):
        parse(Lexer(b" CHARSET US-ASCII SUBJECT {2}\n", ["ü".encode()]))
    assert parse(Lexer(b' charset "utf-8" SUBJECT {2}\n', ["ü".encode()])).key == k.HeaderValue(k.Value.SUBJECT, "ü")


def test_modseq_is_remembered() -> None:
    assert parse_uid(Lexer(b" MODSEQ 5")) == Search(k.ModSeqAtLeast(5), uid=True, modseq=True)
    assert parse(Lexer(b" SINCE 1-Jan-1970")).key == k.Received(k.Compare.SINCE, 0)
