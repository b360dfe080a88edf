import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from posthouse.model.address import Address
from posthouse.model.ids import DomainName
from posthouse.protocol.smtp import paths, replies
from posthouse.protocol.smtp.paths import parse_mail, parse_rcpt
from posthouse.protocol.smtp.replies import Refused

EXAMPLE = DomainName("example.org")


def refusal(parse, argument: bytes, *rest):
    with pytest.raises(Refused) as e:
        parse(argument, *rest)
    return e.value.reply


@pytest.mark.parametrize(
    ("argument", "local", "domain", "size", "body"),
    [
        (b"FROM:<alice@example.org>", "alice", "example.org", 0, ""),
        (b"from:<Alice.B+x@EXAMPLE.org> SIZE=12 BODY=8BITMIME", "Alice.B+x", "example.org", 12, "8BITMIME"),
        (b"FROM:<a@example.org> body=7bit size=0", "a", "example.org", 0, "7BIT"),
        (b"FROM: <a@example.org>  SIZE=3", "a", "example.org", 3, ""),
        (b"FROM:a@example.org", "a", "example.org", 0, ""),
        (b'FROM:<"john doe"@example.org>', "john doe", "example.org", 0, ""),
        (b'FROM:<"a\\"b\\\\ >"@example.org> SIZE=1', 'a"b\\ >', "example.org", 1, ""),
        (b"FROM:<@relay.example,@[192.0.2.1]:a@example.org>", "a", "example.org", 0, ""),
        (b"FROM:<a@[192.0.2.1]>", "a", "[192.0.2.1]", 0, ""),
        (b"FROM:<a@[IPv6:2001:db8::1]>", "a", "[ipv6:2001:db8::1]", 0, ""),
    ],
)
def test_mail(argument: bytes, local: str, domain: str, size: int, body: str) -> None:
    assert parse_mail(argument) == (Address(local, DomainName(domain)), size, body)


@pytest.mark.parametrize("argument", [b"FROM:<>", b"FROM: <>", b"FROM:<> SIZE=100", b"from:<>  body=8bitmime"])
def test_null_sender(argument: bytes) -> None:
    path = parse_mail(argument)
    assert path.address is None
    assert path.reverse_path == ""


def test_reverse_path_is_quoted_where_it_must_be() -> None:
    assert parse_mail(b'FROM:<"a b"@example.org>').reverse_path == '"a b"@example.org'


@pytest.mark.parametrize(
    ("argument", "reply"),
    [
        (b"", replies.MAIL_SYNTAX),
        (b"FROM:", replies.MAIL_SYNTAX),
        (b"TO:<a@example.org>", replies.MAIL_SYNTAX),
        (b"FROM<a@example.org>", replies.MAIL_SYNTAX),
        (b"FROM:<a@example.org", replies.BAD_SENDER),
        (b"FROM:<a@example.org>SIZE=3", replies.BAD_SENDER),
        (b"FROM:<a>", replies.BAD_SENDER),
        (b"FROM:<@example.org>", replies.BAD_SENDER),
        (b'FROM:<""@example.org>', replies.BAD_SENDER),
        (b"FROM:<a..b@example.org>", replies.BAD_SENDER),
        (b"FROM:<.a@example.org>", replies.BAD_SENDER),
        (b"FROM:<a.@example.org>", replies.BAD_SENDER),
        (b"FROM:<a@-example.org>", replies.BAD_SENDER),
        (b"FROM:<a@example..org>", replies.BAD_SENDER),
        (b"FROM:<a@" + b"x" * 64 + b".org>", replies.BAD_SENDER),
        (b"FROM:<a@b@example.org>", replies.BAD_SENDER),
        (b"FROM:<" + b"x" * 65 + b"@example.org>", replies.PATH_TOO_LONG),
        (b"FROM:<a@" + b".".join([b"x" * 60] * 5) + b">", replies.PATH_TOO_LONG),
        ("FROM:<ä@example.org>".encode(), replies.NON_ASCII_ADDRESS),
        (b"FROM:<a@example.org> SMTPUTF8", replies.UNKNOWN_PARAMETER),
        (b"FROM:<a@example.org> RET=HDRS", replies.UNKNOWN_PARAMETER),
        (b"FROM:<a@example.org> AUTH=<>", replies.UNKNOWN_PARAMETER),
        (b"FROM:<a@example.org> SIZE=x", replies.BAD_PARAMETER),
        (b"FROM:<a@example.org> SIZE", replies.BAD_PARAMETER),
        (b"FROM:<a@example.org> SIZE=" + b"1" * 21, replies.BAD_PARAMETER),
        (b"FROM:<a@example.org> SIZE=1 SIZE=2", replies.BAD_PARAMETER),
        (b"FROM:<a@example.org> BODY=BINARYMIME", replies.BAD_PARAMETER),
        (b"FROM:<a@example.org> =x", replies.MAIL_SYNTAX),
        (b"FROM:<a@example.org> SIZE=1=2", replies.MAIL_SYNTAX),
    ],
)
def test_mail_refused(argument: bytes, reply: replies.Reply) -> None:
    assert refusal(parse_mail, argument) is reply


def test_auth_parameter_where_it_is_offered() -> None:
    offered = paths.MAIL_PARAMETERS | {b"AUTH"}
    assert parse_mail(b"FROM:<a@example.org> AUTH=<> SIZE=7", offered).size == 7
    assert parse_mail(b"FROM:<a@example.org> AUTH=e+3Dmc2@example.org", offered).address is not None
    assert refusal(parse_mail, b"FROM:<a@example.org> AUTH=a+3", offered) is replies.BAD_PARAMETER


@pytest.mark.parametrize("argument", [b"TO:<postmaster>", b"to: <PostMaster>", b"TO:postmaster"])
def test_postmaster_without_a_domain(argument: bytes) -> None:
    assert parse_rcpt(argument, EXAMPLE).mailbox == "postmaster"
    assert parse_rcpt(argument, EXAMPLE).domain == EXAMPLE
    assert parse_rcpt(argument).domain == paths.NO_DOMAIN


@pytest.mark.parametrize(
    ("argument", "reply"),
    [
        (b"TO:<>", replies.BAD_RCPT),
        (b"TO:<a@example.org> NOTIFY=NEVER", replies.UNKNOWN_PARAMETER),
        (b"TO:<a@example.org> SIZE=3", replies.UNKNOWN_PARAMETER),
        (b"FROM:<a@example.org>", replies.RCPT_SYNTAX),
        (b"TO:<a b@example.org>", replies.BAD_RCPT),
        (b"TO:<a@example.org", replies.BAD_RCPT),
        (b"TO:<a\x00@example.org>", replies.BAD_RCPT),
    ],
)
def test_rcpt_refused(argument: bytes, reply: replies.Reply) -> None:
    assert refusal(parse_rcpt, argument, EXAMPLE) in (reply, replies.RCPT_SYNTAX)


LOCAL = st.text("abz09!#$%&'*+/=?^_`{|}~.-", min_size=1, max_size=66)
DOMAIN = st.text("abZ09-_.", min_size=1, max_size=70)


@given(LOCAL, DOMAIN)
@example("a", "b")
@example("a.", "b")
def test_fast_and_slow_path_agree(local: str, domain: str) -> None:
    argument = f"TO:<{local}@{domain}>".encode()

    def outcome(parse):
        try:
            return parse(argument, EXAMPLE)
        except Refused as e:
            return e.reply

    assert outcome(parse_rcpt) == outcome(paths._rcpt)


@given(st.binary(max_size=120))
@example(b'<"\\')
@example(b'<"a\\"@b>')
def test_only_refusals_come_out_whatever_goes_in(argument: bytes) -> None:
    for parse, prefix in ((parse_mail, b"FROM:"), (parse_rcpt, b"TO:"), (parse_mail, b""), (parse_rcpt, b"TO:<")):
        try:
            parsed = parse(prefix + argument)
        except Refused:
            continue
        address = parsed if isinstance(parsed, Address) else parsed.address
        assert address is None or (address.local and address.domain and str(address).isprintable())


@given(LOCAL.filter(lambda t: len(t) <= 64), st.text(' "\\<>@,;:()x', min_size=1, max_size=20))
def test_written_addresses_are_read_back(local: str, odd: str) -> None:
    for text in (local, odd):
        address = Address(text, EXAMPLE)
        assert parse_rcpt(f"TO:<{address}>".encode()) == address
