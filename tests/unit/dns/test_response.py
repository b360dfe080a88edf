"""Replies: what leads from the name asked to the records asked, and nothing else; hostile ones end as documented."""

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from posthouse.dns.query import KINDS, Question, wire_name
from posthouse.dns.response import (
    MAX_CNAMES,
    MAX_RECORDS,
    NOERROR,
    NXDOMAIN,
    REFUSED,
    SERVFAIL,
    Malformed,
    Response,
    parse,
    truncated,
)

SOA = "example.org. 600 IN SOA ns.example.org. hostmaster.example.org. 1 3600 600 86400 120"


def question(name: str, kind: str) -> Question:
    wire = wire_name(name)
    assert wire is not None
    return Question(wire, kind)


def reply(name: str, kind: str, *answer: str, authority: str = "", rcode: int = NOERROR, ad: bool = False) -> bytes:
    """In the case of the name given, compressed as servers do."""
    message = dns.message.make_response(dns.message.make_query(name, kind, use_edns=0))
    message.set_rcode(dns.rcode.Rcode(rcode))
    if ad:
        message.flags |= dns.flags.AD
    for section, lines in ((message.answer, answer), (message.authority, (authority,) if authority else ())):
        for line in lines:
            owner, ttl, _, of_kind, data = line.split(" ", 4)
            section.append(dns.rrset.from_text(owner, int(ttl), "IN", of_kind, data))
    return message.to_wire(max_size=65535)


def parsed(name: str, kind: str, *answer: str, authority: str = "", rcode: int = NOERROR, ad: bool = False) -> Response:
    return parse(reply(name, kind, *answer, authority=authority, rcode=rcode, ad=ad), question(name, kind))


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        ("A", "192.0.2.1", "192.0.2.1"),
        ("AAAA", "2001:db8:0:0::1", "2001:db8::1"),
        ("MX", "10 MX.Example.ORG.", "10 mx.example.org"),
        ("MX", "0 .", "0 ."),
        ("NS", "ns.example.net.", "ns.example.net"),
        ("PTR", "Host.example.org.", "host.example.org"),
        ("SRV", "1 2 443 a.example.org.", "1 2 443 a.example.org"),
        ("TLSA", "3 1 0 " + "0A" * 100, "3 1 0 " + "0a" * 100),
        ("TXT", '"v=DKIM1; " "p=AA" ""', "v=DKIM1; p=AA"),
        ("TXT", '"\\226\\130\\172 \\128"', "€ \udc80"),
        ("CNAME", "b.example.org.", "b.example.org"),
    ],
)
def test_records_in_presentation_form(kind: str, data: str, text: str) -> None:
    assert parsed("example.org", kind, f"example.org. 77 IN {kind} {data}") == Response(NOERROR, (text,), 77)


def test_names_compressed_against_the_question_are_in_lower_case() -> None:
    found = parsed("eXaMpLe.OrG", "MX", "eXaMpLe.OrG. 60 IN MX 5 mx.eXaMpLe.OrG.")
    assert found.records == ("5 mx.example.org",)


def test_cnames_are_followed_in_any_order_and_the_least_ttl_counts() -> None:
    chain = ("www.example.org. 90 IN CNAME b.example.org.", "b.example.org. 30 IN CNAME C.example.net.")
    records = ("c.example.net. 60 IN A 192.0.2.1", "c.example.net. 60 IN A 192.0.2.2")
    for lines in ((*chain, *records), (*records, *reversed(chain))):
        found = parsed("www.example.org", "A", *lines)
        assert (sorted(found.records), found.ttl) == (["192.0.2.1", "192.0.2.2"], 30)


def test_what_the_chain_does_not_lead_to_is_ignored() -> None:
    found = parsed(
        "example.org",
        "A",
        "example.org. 60 IN A 192.0.2.1",
        "victim.example. 60 IN A 198.51.100.6",
        "example.org. 60 IN RRSIG A 13 2 60 20300101000000 20200101000000 1 example.org. AAAA",
        "other.example. 60 IN CNAME example.org.",
    )
    assert found.records == ("192.0.2.1",)
    astray = parsed("example.org", "A", "victim.example. 60 IN A 198.51.100.6", authority=SOA)
    assert (astray.records, astray.next) == ((), None)


def test_no_such_name_and_no_such_record_are_kept_as_long_as_the_soa_says() -> None:
    gone = parsed("a.example.org", "A", authority=SOA, rcode=NXDOMAIN)
    assert gone == Response(NXDOMAIN, (), 120)
    empty = parsed("example.org", "A", authority=SOA.replace(" 600 ", " 60 ", 1))
    assert empty == Response(NOERROR, (), 60)


@pytest.mark.parametrize("authority", ["", SOA.replace("example.org. 600", "else.example. 600", 1)])
def test_without_a_soa_above_the_name_it_is_kept_for_no_time(authority: str) -> None:
    assert parsed("a.example.org", "A", authority=authority, rcode=NXDOMAIN).ttl == 0


def test_where_a_chain_ends_without_a_word_its_end_is_asked_for() -> None:
    found = parsed("www.example.org", "A", "www.example.org. 60 IN CNAME web.example.net.")
    assert found.next == wire_name("web.example.net")
    ended = parsed("www.example.org", "A", "www.example.org. 60 IN CNAME web.example.org.", authority=SOA)
    assert (ended.next, ended.records, ended.rcode) == (None, (), NOERROR)
    gone = parsed("www.example.org", "A", "www.example.org. 60 IN CNAME w.example.net.", rcode=NXDOMAIN)
    assert (gone.next, gone.rcode) == (None, NXDOMAIN)


@pytest.mark.parametrize("size", [1, 2, MAX_CNAMES + 1])
def test_loops_and_endless_chains_are_malformed(size: int) -> None:
    loop = [f"n{at}.example.org. 60 IN CNAME n{(at + 1) % size}.example.org." for at in range(size)]
    with pytest.raises(Malformed):
        parsed("n0.example.org", "A", *loop)
    chain = [f"n{at}.example.org. 60 IN CNAME n{at + 1}.example.org." for at in range(MAX_CNAMES + 1)]
    with pytest.raises(Malformed):
        parsed("n0.example.org", "A", *chain, f"n{MAX_CNAMES + 1}.example.org. 60 IN A 192.0.2.1")


def test_records_of_another_class_are_ignored() -> None:
    raw = reply("example.org", "A", "example.org. 60 IN A 192.0.2.1")
    at = raw.rindex(b"\0\x01\0\x01") + 2
    assert parse(raw[:at] + b"\0\x03" + raw[at + 2 :], question("example.org", "A")).records == ()


def test_the_longest_chain() -> None:
    chain = [f"n{at}.example.org. 60 IN CNAME n{at + 1}.example.org." for at in range(MAX_CNAMES)]
    assert parsed("n0.example.org", "A", *chain, f"n{MAX_CNAMES}.example.org. 60 IN A 192.0.2.1").records


def test_failures_name_their_extended_error() -> None:
    message = dns.message.make_response(dns.message.make_query("example.org", "A", use_edns=0))
    message.set_rcode(dns.rcode.SERVFAIL)
    message.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode.DNSSEC_BOGUS, "signature is old")])
    assert parse(message.to_wire(), question("example.org", "A")) == Response(
        SERVFAIL, detail="SERVFAIL, extended error 6"
    )
    assert parsed("example.org", "A", rcode=REFUSED).detail == "REFUSED"
    message.set_rcode(dns.rcode.BADVERS)
    assert parse(message.to_wire(), question("example.org", "A")).rcode == dns.rcode.BADVERS


def test_records_of_a_name_that_does_not_exist_are_malformed() -> None:
    with pytest.raises(Malformed):
        parsed("example.org", "A", "example.org. 60 IN A 192.0.2.1", rcode=NXDOMAIN)


def test_flags() -> None:
    assert parsed("example.org", "A", "example.org. 60 IN A 192.0.2.1", ad=True).authentic
    assert not parsed("example.org", "A", "example.org. 60 IN A 192.0.2.1").authentic
    assert truncated(b"\0\0\x82\0")
    assert not truncated(b"\0\0\x80\0")


def test_limits_on_records() -> None:
    lines = [f"example.org. 60 IN A 10.0.{at >> 8}.{at & 255}" for at in range(MAX_RECORDS + 1)]
    assert len(parsed("example.org", "A", *lines[1:]).records) == MAX_RECORDS
    with pytest.raises(Malformed):
        parsed("example.org", "A", *lines)
    header = bytearray(reply("example.org", "A", lines[0]))
    header[6:8] = b"\xff\xff"
    with pytest.raises(Malformed):
        parse(bytes(header), question("example.org", "A"))


def test_a_ttl_with_the_highest_bit_is_none() -> None:
    raw = reply("example.org", "A", "example.org. 2147483647 IN A 192.0.2.1")
    assert parse(raw, question("example.org", "A")).ttl == 2**31 - 1
    assert parse(raw.replace(b"\x7f\xff\xff\xff", b"\x80\0\0\0"), question("example.org", "A")).ttl == 0


def test_64_kib_of_txt() -> None:
    data = " ".join('"' + "x" * 255 + '"' for _ in range(255))
    [text] = parsed("example.org", "TXT", f"example.org. 60 IN TXT {data}").records
    assert text == "x" * 255 * 255


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("A", b"\x01\x02\x03"),
        ("AAAA", b"\x01" * 15),
        ("MX", b"\0"),
        ("MX", b"\0\x0a\x03ab"),
        ("MX", b"\0\x0a\xc0\xff"),
        ("SRV", b"\0\0\0\0\0\0"),
        ("TLSA", b"\x03\x01\x01"),
        ("TXT", b"\x05abc"),
        ("PTR", b"\x40" + b"a" * 64),
        ("PTR", b""),
        ("NS", b"\xc0\x29"),
    ],
)
def test_data_that_is_no_data_is_malformed(kind: str, data: bytes) -> None:
    asked = question("example.org", kind)
    record = b"\xc0\x0c" + KINDS[kind].to_bytes(2, "big") + b"\0\x01\0\0\0\x3c" + len(data).to_bytes(2, "big") + data
    header = b"\0\0\x81\x80\0\x01\0\x01\0\0\0\0"
    with pytest.raises(Malformed):
        parse(header + asked.plain() + record, asked)


CHAIN = reply(
    "a.example.org",
    "MX",
    "a.example.org. 60 IN CNAME b.example.org.",
    "b.example.org. 60 IN MX 5 c.b.example.org.",
    authority=SOA,
)


@settings(max_examples=400)
@given(st.data())
def test_mutated_replies_end_as_documented(data: st.DataObject) -> None:
    octets = bytearray(CHAIN)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(octets) - 1))
        how = data.draw(st.sampled_from(["set", "cut", "insert"]))
        if how == "set":
            octets[at] = data.draw(st.integers(0, 255))
        elif how == "cut":
            del octets[max(at, 1) :]
        else:
            octets[at:at] = data.draw(st.binary(min_size=1, max_size=4))
    outcome(bytes(octets), question("a.example.org", "MX"))


@settings(max_examples=400)
@given(st.binary(max_size=200), st.sampled_from(sorted(KINDS)))
@example(b"\0\0\x81\x80\0\x01\0\x01\0\0\0\0\xc0\x0c\0\x01\0\x01", "A")
def test_any_octets_end_as_documented(octets: bytes, kind: str) -> None:
    outcome(octets, question("a.example.org", kind))
    outcome(
        b"\0\0\x81\x80\0\x01\0\x02\0\x02\0\x01" + question("a.example.org", kind).plain() + octets,
        question("a.example.org", kind),
    )


def outcome(octets: bytes, asked: Question) -> None:
    try:
        found = parse(octets, asked)
    except Malformed:
        return
    assert 0 <= found.ttl < 2**31
    assert found.next is None or 0 < len(found.next) <= 255
    assert len(found.records) <= MAX_RECORDS
    for record in found.records:
        record.encode("utf-8", "surrogateescape")
