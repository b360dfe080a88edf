import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.mailauth.dmarc.record import PolicyRecord, parse, the_one
from posthouse.model.authentication import DmarcPolicy


def read(text: str) -> PolicyRecord:
    record = parse(text)
    assert record is not None
    return record


@pytest.mark.parametrize(
    "text", ["v=DMARC1", "v=DMARC1;", "v = DMARC1 ; p=none", "V=DMARC1;p=none", "v=DMARC1; garbage"]
)
def test_what_is_a_record(text: str) -> None:
    assert parse(text) is not None


@pytest.mark.parametrize(
    "text", ["", "v=dmarc1; p=none", "v=DMARC2; p=none", "v=DMARC12", "p=none; v=DMARC1", " v=DMARC1", "v=spf1 -all"]
)
def test_what_is_none(text: str) -> None:
    assert parse(text) is None


def test_defaults() -> None:
    record = read("v=DMARC1; p=reject")
    assert record.policy is DmarcPolicy.REJECT
    assert (record.subdomains, record.nonexistent, record.broken) == (None, None, False)
    assert (record.strict_dkim, record.strict_spf, record.psd, record.testing) == (False, False, "u", False)
    assert (record.failure_options, record.rua, record.ruf) == ("0", (), ())


def test_all_tags() -> None:
    record = read(
        "v=DMARC1; p=Reject; sp=quarantine; np=none; adkim=s; aspf=S; psd=n; t=y; fo=1:d; pct=50; unknown=x; "
        "rua=mailto:a@example.org!10m , https://example.org/r, nonsense, mailto:nobody; ruf=mailto:b@example.org"
    )
    assert (record.policy, record.subdomains) == (DmarcPolicy.REJECT, DmarcPolicy.QUARANTINE)
    assert record.nonexistent is DmarcPolicy.NONE
    assert (record.strict_dkim, record.strict_spf, record.psd, record.testing) == (True, True, "n", True)
    assert record.rua == ("mailto:a@example.org", "https://example.org/r")
    assert record.ruf == ("mailto:b@example.org",)


def test_broken_values_give_way_to_defaults() -> None:
    record = read("v=DMARC1; p=none; adkim=x; aspf; psd=maybe; t=1; ; =; p=reject; rua=,,")
    assert (record.policy, record.broken) == (DmarcPolicy.NONE, False)
    assert (record.strict_dkim, record.psd, record.testing, record.rua) == (False, "u", False, ())


@pytest.mark.parametrize("tags", ["", "p=", "p=block", "p=reject; sp=x", "p=reject; np="])
def test_a_broken_policy_asks_for_nothing_and_counts_only_with_a_report_address(tags: str) -> None:
    # RFC 9989 §4.10.1.
    assert not read(f"v=DMARC1; {tags}").usable
    record = read(f"v=DMARC1; {tags}; rua=mailto:a@example.org")
    assert record.usable
    assert record.applicable(own=True, exists=True) is DmarcPolicy.NONE


@pytest.mark.parametrize(
    ("tags", "own", "exists", "asked"),
    [
        ("p=reject; sp=none; np=quarantine", True, True, "reject"),
        ("p=reject; sp=none; np=quarantine", False, True, "none"),
        ("p=reject; sp=none; np=quarantine", False, False, "quarantine"),
        ("p=reject; sp=quarantine", False, False, "quarantine"),
        ("p=reject", False, False, "reject"),
        ("p=none; np=reject", False, True, "none"),
        ("p=none; np=reject", False, False, "reject"),
    ],
)
def test_which_policy_applies(tags: str, own: bool, exists: bool, asked: str) -> None:
    assert read(f"v=DMARC1; {tags}").applicable(own=own, exists=exists).value == asked


def test_two_records_are_none() -> None:
    assert the_one(["v=spf1 -all", "v=DMARC1; p=none"]) == "v=DMARC1; p=none"
    assert the_one(["v=DMARC1; p=none", "v=DMARC1; p=none"]) is None
    assert the_one([]) is None


@given(st.text(max_size=80), st.sampled_from(["", "v=DMARC1;", "v=DMARC1; p=none; "]))
def test_garbage_makes_a_record_or_none(text: str, start: str) -> None:
    record = parse(start + text)
    assert record is not None or not start
    assert record is None or record.applicable(own=False, exists=False) in DmarcPolicy
