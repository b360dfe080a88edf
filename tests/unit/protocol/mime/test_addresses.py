"""Address lists: the examples of RFC 5322 appendix A, real headers, and the standard library as second opinion."""

import time
from email.utils import getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.corpus import message
from posthouse.protocol.mime.addresses import MAX_ADDRESSES, Address, addresses
from posthouse.protocol.mime.header import Headers

_END = Address(None, None, None, None)


def _group(name: bytes) -> Address:
    return Address(None, None, name, None)


def _one(name: bytes | None, mailbox: bytes, host: bytes, route: bytes | None = None) -> Address:
    return Address(name, route, mailbox, host)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # RFC 5322 appendix A.1.2
        (b'"Joe Q. Public" <john.q.public@example.com>', [_one(b"Joe Q. Public", b"john.q.public", b"example.com")]),
        (
            b"Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
            [
                _one(b"Mary Smith", b"mary", b"x.test"),
                _one(None, b"jdoe", b"example.org"),
                _one(b"Who?", b"one", b"y.test"),
            ],
        ),
        (
            b'<boss@nil.test>, "Giant; \\"Big\\" Box" <sysservices@example.net>',
            [_one(None, b"boss", b"nil.test"), _one(b'Giant; "Big" Box', b"sysservices", b"example.net")],
        ),
        # A.1.3
        (
            b"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
            [
                _group(b"A Group"),
                _one(b"Ed Jones", b"c", b"a.test"),
                _one(None, b"joe", b"where.test"),
                _one(b"John", b"jdoe", b"one.test"),
                _END,
            ],
        ),
        (b"Undisclosed recipients:;", [_group(b"Undisclosed recipients"), _END]),
        # A.5
        (
            b"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
            [_one(b"Pete", b"pete", b"silly.test")],
        ),
        (
            b"A Group(Some people)\t    :Chris Jones <c@(Chris's host.)public.example>,\t joe@example.org,"
            b"\t  John <jdoe@one.test> (my dear friend); (the end of the group)",
            [
                _group(b"A Group"),
                _one(b"Chris Jones", b"c", b"public.example"),
                _one(None, b"joe", b"example.org"),
                _one(b"John", b"jdoe", b"one.test"),
                _END,
            ],
        ),
        (b"(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", [_group(b"Hidden recipients"), _END]),
        # A.6.1
        (b"Joe Q. Public <john.q.public@example.com>", [_one(b"Joe Q. Public", b"john.q.public", b"example.com")]),
        (
            b"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
            [_one(b"Mary Smith", b"mary", b"example.net", b"@node.test"), _one(None, b"jdoe", b"test.example")],
        ),
        (b"<@a,@b:joe@where.test>", [_one(None, b"joe", b"where.test", b"@a,@b")]),
        # comments as names, as before RFC 822 had angles
        (b"joe@where.test (Joe Public)", [_one(b"Joe Public", b"joe", b"where.test")]),
        (b"(Joe) joe@where.test", [_one(b"Joe", b"joe", b"where.test")]),
        (b'"The \\"Boss\\"" <a@b>, \t"x\\\\y"\t<c@d>', [_one(b'The "Boss"', b"a", b"b"), _one(b"x\\y", b"c", b"d")]),
        # what is not in the grammar but in mailboxes
        (b"=?utf-8?q?J=C3=BCrgen?= <j@x>", [_one(b"=?utf-8?q?J=C3=BCrgen?=", b"j", b"x")]),
        (b"J\xfcrgen M\xfcller <j@x>", [_one(b"J\xfcrgen M\xfcller", b"j", b"x")]),
        (b'"J\xc3\xbc" <j@x>', [_one(b"J\xc3\xbc", b"j", b"x")]),
        (b"Two  Spaces <a@b>", [_one(b"Two Spaces", b"a", b"b")]),
        (b'"Quoted" Name <a@b>', [_one(b"Quoted Name", b"a", b"b")]),
        (b"a@b; c@d", [_one(None, b"a", b"b"), _one(None, b"c", b"d")]),
        (b'"a b"@c', [_one(None, b"a b", b"c")]),
        (b"a@[192.0.2.1]", [_one(None, b"a", b"[192.0.2.1]")]),
        (b"a@b@c", [_one(None, b"a@b", b"c")]),
        (b"<a@b", [_one(None, b"a", b"b")]),
        (b"a@b>", [_one(None, b"a", b"b")]),
        (b"John Smith john@x.test", [_one(b"John Smith", b"john", b"x.test")]),
        (b"root", [_one(None, b"root", b"MISSING_DOMAIN")]),
        (b"John Smith", [_one(b"John Smith", b"MISSING_MAILBOX", b"MISSING_DOMAIN")]),
        (b"Nobody <>", [_one(b"Nobody", b"MISSING_MAILBOX", b"MISSING_DOMAIN")]),
        (b"@b", [_one(None, b"MISSING_MAILBOX", b"b")]),
        (b"a@", [_one(None, b"a", b"MISSING_DOMAIN")]),
        (b"group: a@b", [_group(b"group"), _one(None, b"a", b"b"), _END]),
        (b": a@b;", [_group(b""), _one(None, b"a", b"b"), _END]),
        (b'"open <a@b>', [_one(None, b"open <a@b>", b"MISSING_DOMAIN")]),
        (b"A <a@b> junk, c@d", [_one(b"A", b"a", b"b"), _one(None, b"c", b"d")]),
        (b"A <a@b> <c@d>", [_one(b"A", b"a", b"b")]),
        (b"", []),
        (b" , ,", []),
        (b"(only a comment)", []),
    ],
)
def test_addresses(value: bytes, expected: list[Address]) -> None:
    assert addresses(value) == expected


def test_addr_spec() -> None:
    assert [a.addr_spec for a in addresses(b"g: A <a@b>;")] == [None, b"a@b", None]


@pytest.mark.parametrize("value", [b"a@b," * (MAX_ADDRESSES + 10), b"x y@b," * (MAX_ADDRESSES + 10)])
def test_there_is_a_bound(value: bytes) -> None:
    assert len(addresses(value)) == MAX_ADDRESSES


@pytest.mark.parametrize(
    "piece", [b"a ", b"  ", b'"', b'"\\"', b"(", b"(\\", b"<", b":", b"@:", b"@", b"a@", b".", b"[\\", b";:", b"a b "]
)
def test_cost_grows_with_the_length_only(piece: bytes) -> None:
    value = piece * (100_000 // len(piece)) + b"\\"
    before = time.process_time()
    addresses(value)
    # Quadratic would be minutes.
    assert time.process_time() - before < 3


@pytest.mark.parametrize("seed", range(40))
def test_as_the_standard_library_on_the_corpus(seed: int) -> None:
    headers = Headers(message("alternative", 2_000, seed))
    for name in (b"from", b"to", b"cc"):
        value = headers.first(name)
        if value is None:
            continue
        ours = [((a.name or b"").decode(), a.addr_spec) for a in addresses(value)]
        theirs = [(n, a.encode()) for n, a in getaddresses([value.decode()])]
        assert ours == theirs


@given(
    st.binary(max_size=60)
    | st.lists(
        st.sampled_from([b"<", b">", b"@", b":", b";", b",", b'"', b"(", b")", b"\\", b"a", b".", b" ", b"[", b"]"])
    ).map(b"".join)
)
def test_groups_are_always_closed(value: bytes) -> None:
    depth = 0
    for address in addresses(value):
        if address.host is None:
            depth += 1 if address.mailbox is not None else -1
        else:
            assert address.mailbox
            assert address.host
        assert depth in (0, 1)
    assert depth == 0
