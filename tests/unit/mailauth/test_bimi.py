import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.dns.zones import ZoneResolver
from posthouse.mailauth.bimi import look_up, parse
from posthouse.model.authentication import AuthResult, BimiResult, DmarcPolicy, DmarcResult

DMARC = DmarcResult(
    AuthResult.PASS,
    author_domain="news.example.org",
    organizational_domain="example.org",
    policy=DmarcPolicy.QUARANTINE,
)


def zone(name: str, *records: str) -> ZoneResolver:
    return ZoneResolver({f"default._bimi.{name}": {"TXT": list(records)}})


async def test_of_the_author_or_of_the_organisation() -> None:
    record = "v=BIMI1; l=https://example.org/l.svg; a=https://example.org/c.pem"
    for name in ("news.example.org", "example.org"):
        assert await look_up(DMARC, zone(name, record)) == BimiResult(
            AuthResult.PASS, name, location="https://example.org/l.svg", authority="https://example.org/c.pem"
        )


@pytest.mark.parametrize(
    "dmarc",
    [
        None,
        DmarcResult(AuthResult.FAIL, "news.example.org", policy=DmarcPolicy.REJECT),
        DmarcResult(AuthResult.PASS, "news.example.org", policy=DmarcPolicy.NONE),
    ],
)
async def test_not_looked_at_without_an_enforced_pass(dmarc: DmarcResult | None) -> None:
    assert await look_up(dmarc, ZoneResolver({}, failing=("default._bimi.news.example.org",))) is None


async def test_none_silent_and_two() -> None:
    assert await look_up(DMARC, zone("other.example", "x")) == BimiResult(AuthResult.NONE, "news.example.org")
    silent = ZoneResolver({}, failing=("default._bimi.news.example.org",))
    assert await look_up(DMARC, silent) == BimiResult(AuthResult.TEMPERROR, "news.example.org")
    two = await look_up(DMARC, zone("news.example.org", "v=BIMI1; l=", "v=BIMI1; l="))
    assert two == BimiResult(AuthResult.PERMERROR, "news.example.org")


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=BIMI1; l=; a=", AuthResult.NONE),
        ("v=BIMI1; l=;", AuthResult.NONE),
        ("v=BIMI1; a=https://a.example/", AuthResult.PERMERROR),
        ("v=BIMI1; l=http://a.example/l.svg", AuthResult.PERMERROR),
        ("v=BIMI1; l=https://a.example/ l.svg", AuthResult.PERMERROR),
        ("v=BIMI1; l=https://a.example/l.svg; a=ftp://x", AuthResult.PERMERROR),
        ("v=BIMI1; l; a", AuthResult.PERMERROR),
        ("l=https://a.example/l.svg; v=BIMI1", AuthResult.PERMERROR),
        ("v=BIMI1; l=https://a.example/" + "x" * 3_000, AuthResult.PERMERROR),
    ],
)
def test_records(record: str, result: AuthResult) -> None:
    assert parse(record, "a.example").result is result


@given(st.text(max_size=60))
def test_documented_outcomes_only(text: str) -> None:
    assert parse("v=BIMI1;" + text, "a.example").result in (AuthResult.PASS, AuthResult.NONE, AuthResult.PERMERROR)
