"""Our Authentication-Results: what they say, how they fold, and that no identity can say something else."""

import re

import authres
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.mailauth.authres.parse import parse
from posthouse.mailauth.authres.render import MAX_SIGNATURES, WIDTH, render_field, render_value
from posthouse.model.authentication import (
    ArcResult,
    AuthenticationResults,
    AuthResult,
    BimiResult,
    DkimResult,
    DmarcPolicy,
    DmarcResult,
    IprevResult,
    SpfResult,
)

FULL = AuthenticationResults(
    spf=SpfResult(AuthResult.PASS, "example.com", "mfrom", "ip4:192.0.2.0/24"),
    helo=SpfResult(AuthResult.TEMPERROR, "mail.example.com", "helo", reason="DNS did not answer"),
    dkim=(
        DkimResult(
            AuthResult.PASS, "example.com", "s2026", "news@example.com", "rsa-sha256", 2048, False, False, "ab/c+d=="
        ),
        DkimResult(
            AuthResult.FAIL, "b.example", "x", "@b.example", "ed25519-sha256", 256, True, True, "zzzzzzzz", "bad body"
        ),
    ),
    arc=ArcResult(AuthResult.PASS, 2, 1, ("list.example", "first.example")),
    dmarc=DmarcResult(AuthResult.FAIL, "c.example", "example", "c.example", DmarcPolicy.REJECT),
    iprev=IprevResult(AuthResult.PASS, "2001:db8::1", "mail.example.com"),
    bimi=BimiResult(AuthResult.PASS, "example.com", "v1", "https://x.example/l.svg", "https://x.example/c.pem"),
    overrides=("trusted-arc-sealer", "reject-alone"),
)


def test_all_that_was_found_out() -> None:
    assert render_field(FULL, "mx.example.org", login="user@example.org").decode() == (
        "Authentication-Results: mx.example.org;\r\n"
        " auth=pass smtp.auth=user@example.org;\r\n"
        ' iprev=pass (mail.example.com) policy.iprev="2001:db8::1";\r\n'
        ' spf=temperror reason="DNS did not answer" smtp.helo=mail.example.com;\r\n'
        " spf=pass (ip4:192.0.2.0/24) smtp.mailfrom=example.com;\r\n"
        " dkim=pass (2048-bit key) header.d=example.com header.i=news@example.com\r\n"
        ' header.s=s2026 header.a=rsa-sha256 header.b="ab/c+d==";\r\n'
        ' dkim=fail (256-bit key, testing, body signed in part) reason="bad body"\r\n'
        " header.d=b.example header.i=@b.example header.s=x header.a=ed25519-sha256\r\n"
        " header.b=zzzzzzzz;\r\n"
        " arc=pass (i=2 list.example first.example) header.oldest-pass=1;\r\n"
        " dmarc=fail header.from=c.example policy.dmarc=reject\r\n"
        " policy.override=trusted-arc-sealer policy.override=reject-alone;\r\n"
        " bimi=pass header.d=example.com header.selector=v1\r\n"
        ' policy.authority-uri="https://x.example/c.pem"\r\n'
    )


def test_nothing_was_looked_at() -> None:
    assert (
        render_field(AuthenticationResults(), "mx.example.org")
        == b"Authentication-Results: mx.example.org;\r\n none\r\n"
    )


def test_the_value_is_the_field_unfolded() -> None:
    folded = render_field(FULL, "mx.example.org").decode()
    assert "Authentication-Results: " + render_value(FULL, "mx.example.org") == folded.replace("\r\n", "")


def test_of_many_signatures_the_first_are_told() -> None:
    many = AuthenticationResults(dkim=(DkimResult(AuthResult.FAIL, "x.example"),) * 200)
    value = render_value(many, "mx.example.org")
    assert value.count("dkim=fail") == MAX_SIGNATURES
    assert value.endswith("(190 more)")


def test_overrides_are_told_without_a_policy_too() -> None:
    assert "dmarc=none policy.override=x" in render_value(AuthenticationResults(overrides=("x",)), "mx")


# ---- strangers

HOSTILE = st.text(st.sampled_from('a.@;=()"\\ \r\n\t\x00\x7fé<>,:/[]?-%\udcff\u2028'), max_size=30) | st.sampled_from(
    (
        "x; dmarc=pass",
        'x" ; dmarc=pass header.from="y',
        "x) ; dmarc=pass (",
        "x\r\nX-Evil: yes",
        "x\r\n\r\nbody",
        "\\",
        '\\"; dmarc=pass',
        "dmarc=pass@evil.example",
        "exists:dmarc=pass.evil.example",
        "a" * 400,
        '"' * 400,
        "a b " * 100,
    )
)
RESULTS = st.sampled_from(list(AuthResult))


@st.composite
def hostile(draw: st.DrawFn) -> AuthenticationResults:
    def text() -> str:
        return draw(HOSTILE)

    def result() -> AuthResult:
        return draw(RESULTS)

    return AuthenticationResults(
        spf=SpfResult(result(), text(), "mfrom", text(), text(), text()),
        helo=SpfResult(result(), text(), "helo", text(), text(), text()),
        dkim=(DkimResult(result(), text(), text(), text(), text(), 1024, True, True, text(), text()),),
        arc=ArcResult(result(), 1, 0, (text(), text()), text(), text()),
        dmarc=DmarcResult(result(), text(), text(), text(), DmarcPolicy.NONE, True, reason=text()),
        iprev=IprevResult(result(), text(), text()),
        bimi=BimiResult(result(), text(), text(), text(), text()),
        overrides=(text(),),
    )


METHODS = ("auth", "spf", "dkim", "arc", "dmarc", "iprev", "bimi")


def printed(text: str) -> str:
    """What a reader finds of a value: printable US-ASCII, one space between words, nothing like a result."""
    text = re.sub(" +", " ", re.sub(r"[^\x20-\x7e]+", "?", text[:320])).strip(" ")
    return re.sub(f"({'|'.join(METHODS)})( *)=", r"\1\2?", text, flags=re.IGNORECASE)


@given(hostile(), HOSTILE, HOSTILE)
def test_no_identity_says_something_else(results: AuthenticationResults, authserv_id: str, login: str) -> None:
    field = render_field(results, authserv_id, login=login)
    lines = field.decode("ascii").split("\r\n")
    assert lines.pop() == ""
    assert all(line.startswith(" ") and line.strip() and "\r" not in line and "\n" not in line for line in lines[1:])
    assert all(len(line) < 998 for line in lines)
    assert all(len(line) <= WIDTH or " " not in line.strip() for line in lines[1:])
    parsed = parse(field.decode()[len("Authentication-Results:") :])
    expected = [("auth", "pass")] * bool(login)
    assert results.iprev is not None
    assert results.helo is not None
    assert results.spf is not None
    assert results.arc is not None
    assert results.dmarc is not None
    assert results.bimi is not None
    expected += [("iprev", results.iprev.result), ("spf", results.helo.result), ("spf", results.spf.result)]
    expected += [("dkim", results.dkim[0].result), ("arc", results.arc.result), ("dmarc", results.dmarc.result)]
    expected += [("bimi", results.bimi.result)]
    assert [(each.method, each.result) for each in parsed.results] == expected
    text = field.decode().replace("\r\n", "")
    for method in METHODS:
        # Properties of that name are ours, and dmarc ends like arc.
        found = re.findall(rf"(?<!policy\.)(?<!smtp\.)(?<!dm){method} *=", text, re.IGNORECASE)
        assert len(found) == [name for name, _ in expected].count(method)
    assert parsed.authserv_id == printed(authserv_id)
    dkim = next(each for each in parsed.results if each.method == "dkim")
    assert dkim.value("header", "d") == printed(results.dkim[0].domain)
    assert dkim.value("header", "i") == printed(results.dkim[0].identity)


WORDS = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,40}[a-z0-9]", fullmatch=True)


@given(WORDS, WORDS, st.sampled_from(list(AuthResult)), st.sampled_from(("", "why not", 'a "b" \\c')), st.booleans())
def test_authres_reads_what_we_write(
    authserv_id: str, domain: str, result: AuthResult, reason: str, signed: bool
) -> None:
    results = AuthenticationResults(
        spf=SpfResult(result, domain, "mfrom", "include:" + domain, reason=reason),
        dkim=(DkimResult(result, domain, "s1", "user@" + domain, "rsa-sha256", 2048, signature_start="abc/+d=="),)
        * signed,
        dmarc=DmarcResult(result, domain, domain, domain, DmarcPolicy.QUARANTINE),
        overrides=("known-list",),
    )
    unfolded = render_field(results, authserv_id).decode().replace("\r\n", "")
    theirs = authres.AuthenticationResultsHeader.parse(unfolded)
    ours = parse(unfolded.partition(":")[2])
    assert theirs.authserv_id == ours.authserv_id == authserv_id
    assert [(each.method, each.result) for each in theirs.results] == [(r.method, r.result) for r in ours.results]
    for each, own in zip(theirs.results, ours.results, strict=True):
        assert [(p.type, p.name, p.value) for p in each.properties] == [
            (p.kind, p.name, p.value) for p in own.properties
        ]
        # authres leaves the quoting as it stands.
        assert re.sub(r"\\(.)", r"\1", each.reason or "") == own.reason


@pytest.mark.parametrize(
    "text", ["spf=pass smtp.mailfrom=a.example", "dkim=fail header.d=b.example; dmarc=none", "none"]
)
def test_we_read_what_authres_reads(text: str) -> None:
    theirs = authres.AuthenticationResultsHeader.parse(f"Authentication-Results: mx.example 1; {text}")
    ours = parse(f" mx.example 1; {text}")
    assert [(each.method, each.result) for each in theirs.results] == [(r.method, r.result) for r in ours.results]
