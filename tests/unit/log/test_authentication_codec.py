"""What authentication found out survives the log; what a newer writer says does no harm."""

from hypothesis import given
from hypothesis import strategies as st

from posthouse.events.v1 import authentication_pb2 as pb
from posthouse.log.authentication_codec import authentication_from_pb, authentication_to_pb
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

PARTS = (SpfResult, DkimResult, ArcResult, DmarcResult, IprevResult, BimiResult)
EVERYTHING = AuthenticationResults(
    SpfResult(AuthResult.FAIL, "d.example", "mfrom", "-all", "go away", "r"),
    SpfResult(AuthResult.PASS, "h.example", "helo"),
    (
        DkimResult(AuthResult.PASS, "d.example", "s", "@d.example", "rsa-sha256", 2048, True, True, "abcdefgh", "r"),
        DkimResult(AuthResult.PERMERROR, reason="no key"),
    ),
    ArcResult(AuthResult.PASS, 3, 1, ("s.example", "t.example"), "t.example; spf=pass", "r"),
    DmarcResult(
        AuthResult.FAIL, "a.example", "a.example", "example", DmarcPolicy.REJECT, True, True, True, "d.example", "r"
    ),
    IprevResult(AuthResult.PASS, "192.0.2.1", "mail.example"),
    BimiResult(AuthResult.PASS, "a.example", "brand", "https://a.example/l.svg", "https://a.example/c.pem"),
    ("trusted-arc-sealer",),
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
RESULTS = st.builds(
    AuthenticationResults,
    spf=st.none() | st.builds(SpfResult, domain=TEXT, explanation=TEXT),
    helo=st.none() | st.builds(SpfResult, domain=TEXT),
    dkim=st.lists(st.builds(DkimResult, domain=TEXT, key_bits=st.integers(0, 16384)), max_size=3).map(tuple),
    arc=st.none() | st.builds(ArcResult, sealers=st.lists(TEXT, max_size=2).map(tuple)),
    dmarc=st.none() | st.builds(DmarcResult, author_domain=TEXT),
    iprev=st.none() | st.builds(IprevResult, name=TEXT),
    bimi=st.none() | st.builds(BimiResult, location=TEXT),
    overrides=st.lists(TEXT, max_size=2).map(tuple),
)


def through(results: AuthenticationResults) -> AuthenticationResults:
    message = authentication_to_pb(results)
    assert message is not None
    return authentication_from_pb(pb.AuthenticationResults.FromString(message.SerializeToString()))


def test_everything_survives() -> None:
    assert through(EVERYTHING) == EVERYTHING


@given(RESULTS)
def test_any_results_survive(results: AuthenticationResults) -> None:
    assert through(results) == results


def test_not_looked_at_is_not_the_same_as_nothing_found() -> None:
    assert authentication_to_pb(None) is None
    assert through(AuthenticationResults()) == AuthenticationResults()


def test_a_message_has_the_fields_of_its_dataclass() -> None:
    for part in PARTS:
        fields = [field.name for field in getattr(pb, part.__name__).DESCRIPTOR.fields]
        assert fields == list(part.__slots__), part


def test_a_word_of_a_newer_writer_is_no_evidence() -> None:
    read = authentication_from_pb(
        pb.AuthenticationResults(
            spf=pb.SpfResult(result="splendid", domain="d.example"), dmarc=pb.DmarcResult(result="pass", policy="maim")
        )
    )
    assert read.spf == SpfResult(AuthResult.NONE, "d.example", scope="")
    assert read.dmarc is not None
    assert read.dmarc.policy is DmarcPolicy.NONE
