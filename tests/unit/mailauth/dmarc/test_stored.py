import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.mailauth.dmarc.counters import PublishedPolicy, Row
from posthouse.mailauth.dmarc.stored import document_of, row_from
from posthouse.model.authentication import DmarcPolicy
from posthouse.model.errors import Invalid

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
policies = st.sampled_from(DmarcPolicy)
published = st.builds(
    PublishedPolicy,
    domain=text,
    policy=policies,
    subdomains=st.none() | policies,
    nonexistent=st.none() | policies,
    strict_dkim=st.booleans(),
    strict_spf=st.booleans(),
    testing=st.booleans(),
    failure_options=text,
    discovery_method=text,
    rua=st.lists(text, max_size=3).map(tuple),
)
rows = st.builds(
    Row,
    published=published,
    source_ip=text,
    disposition=text,
    dkim_aligned=st.booleans(),
    spf_aligned=st.booleans(),
    reasons=st.lists(text, max_size=3).map(tuple),
    header_from=text,
    envelope_from=text,
    dkim=st.lists(st.tuples(text, text, text), max_size=3).map(tuple),
    spf=st.none() | st.tuples(text, text),
)


@given(rows)
def test_a_row_comes_back_as_it_was(row: Row) -> None:
    assert row_from(document_of(row)) == row


@given(rows, rows)
def test_rows_are_the_same_if_and_only_if_their_documents_are(one: Row, other: Row) -> None:
    assert (document_of(one) == document_of(other)) == (one == other)


@given(
    st.text(max_size=60)
    | st.recursive(st.none() | text, lambda x: st.lists(x) | st.dictionaries(text, x)).map(
        lambda value: orjson.dumps(value).decode()
    )
)
def test_what_is_no_row_is_invalid(document: str) -> None:
    with pytest.raises(Invalid):
        row_from(document)


@given(rows)
def test_a_field_too_many_is_invalid(row: Row) -> None:
    fields = orjson.loads(document_of(row)) | {"new": 1}
    with pytest.raises(Invalid):
        row_from(orjson.dumps(fields).decode())


def test_octets_that_are_no_utf_8_do_not_stop_a_flush() -> None:
    policy = PublishedPolicy(
        "d.example", DmarcPolicy.NONE, None, None, False, False, False, "0", "treewalk", ("m\udc80",)
    )
    row = Row(policy, "192.0.2.1", "none", False, False, (), "d.example", "b\udcff.example", (), None)
    assert row_from(document_of(row)).envelope_from == "b?.example"
