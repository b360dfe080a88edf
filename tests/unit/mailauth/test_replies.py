"""RFC 7372's codes, one by one; what is said to strangers stays one printable line."""

import pytest

from posthouse.mailauth.replies import (
    arc_refusal,
    dkim_refusal,
    dmarc_refusal,
    iprev_refusal,
    refusal_of,
    spf_refusal,
)
from posthouse.model.authentication import ArcResult, AuthResult, DkimResult, DmarcResult, IprevResult, SpfResult
from posthouse.model.errors import MailError
from posthouse.protocol.smtp.replies import Reply

R = AuthResult


def codes(error: MailError | None) -> tuple[int, str] | None:
    return None if error is None else (error.code, error.enhanced)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (R.FAIL, (550, "5.7.23")),
        (R.PERMERROR, (550, "5.7.24")),
        (R.TEMPERROR, (451, "4.7.24")),
        *((result, None) for result in (R.PASS, R.NONE, R.NEUTRAL, R.SOFTFAIL)),
    ],
)
def test_spf(result: AuthResult, expected: tuple[int, str] | None) -> None:
    assert codes(spf_refusal(SpfResult(result, "example.com"))) == expected


def test_an_explanation_is_marked_as_the_domain_s_own() -> None:
    error = spf_refusal(SpfResult(R.FAIL, "example.com", "helo", "-all", "see http://example.com/"))
    assert error is not None
    assert "HELO" in error.public
    assert error.public.endswith("example.com explains: see http://example.com/")
    assert Reply(error.code, error.enhanced, error.public).wire.startswith(b"550 5.7.23 SPF HELO")


@pytest.mark.parametrize(
    ("results", "author", "expected"),
    [
        ([], "", (550, "5.7.20")),
        ([R.FAIL, R.NONE], "", (550, "5.7.20")),
        ([R.FAIL, R.TEMPERROR], "", (451, "4.7.20")),
        ([R.FAIL, R.POLICY], "", (550, "5.7.21")),
        ([R.FAIL, R.PASS], "", None),
        ([R.PASS], "mail.example.com", None),
        ([R.PASS], "example.org", (550, "5.7.22")),
        ([R.PASS], "com", (550, "5.7.22")),
    ],
)
def test_dkim(results: list[AuthResult], author: str, expected: tuple[int, str] | None) -> None:
    assert codes(dkim_refusal([DkimResult(result, "example.com") for result in results], author)) == expected


def test_the_others() -> None:
    assert codes(iprev_refusal(IprevResult(R.FAIL, "192.0.2.1"))) == (550, "5.7.25")
    assert codes(iprev_refusal(IprevResult(R.PERMERROR, "192.0.2.1"))) == (550, "5.7.25")
    assert codes(iprev_refusal(IprevResult(R.TEMPERROR, "192.0.2.1"))) == (451, "4.7.25")
    assert iprev_refusal(IprevResult(R.PASS, "192.0.2.1")) is None
    assert codes(arc_refusal(ArcResult(R.FAIL))) == (550, "5.7.29")
    assert arc_refusal(ArcResult(R.NONE)) is None
    assert codes(dmarc_refusal(DmarcResult(R.FAIL, "a.example"))) == (550, "5.7.26")
    assert codes(dmarc_refusal(DmarcResult(R.TEMPERROR, "a.example"))) == (451, "4.7.26")
    assert dmarc_refusal(DmarcResult(R.PASS)) is None


def test_several_at_once() -> None:
    spf, dkim = spf_refusal(SpfResult(R.FAIL, "example.com")), dkim_refusal([])
    slow = iprev_refusal(IprevResult(R.TEMPERROR, "192.0.2.1"))
    assert refusal_of([None, None]) is None
    assert refusal_of([None, spf]) is spf
    assert codes(refusal_of([spf, dkim])) == (550, "5.7.26")
    assert codes(refusal_of([spf, slow])) == (451, "4.7.26")
