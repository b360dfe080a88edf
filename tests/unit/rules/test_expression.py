"""Formulas over symbols, against Python's own reading of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.model.errors import Invalid
from posthouse.rules.expression import MAX_TOKENS, formula, holds, names

SYMBOLS = ("AA", "BB", "CC")
FORMULAS = st.recursive(
    st.sampled_from(SYMBOLS),
    lambda inner: st.one_of(
        inner.map(lambda text: f"not {text}"),
        inner.map(lambda text: f"({text})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join),
    ),
    max_leaves=12,
)


@given(FORMULAS, st.sets(st.sampled_from(SYMBOLS)))
def test_a_formula_means_what_it_means_in_python(text: str, there: set[str]) -> None:
    if len(text.replace("(", " ( ").replace(")", " ) ").split()) > MAX_TOKENS:
        return
    expected = eval(text, {"__builtins__": {}}, {name: name in there for name in SYMBOLS})
    assert holds(formula(text), there) is expected


@given(st.text(alphabet="AB ()andortxyz_1", max_size=80))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    try:
        postfix = formula(text)
    except Invalid:
        return
    assert holds(postfix, set(names(postfix))) in (True, False)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("AA and", "ends where a name is missing"),
        ("AA BB", "'and' or 'or' is missing before 'BB'"),
        ("(AA", "a ')' is missing"),
        ("AA)", "a ')' too many"),
        ("and AA", "a name is missing before 'and'"),
        ("AA & BB", "unexpected '& BB'"),
        ("()", "a name is missing before ')'"),
    ],
)
def test_what_is_wrong_is_said(text: str, why: str) -> None:
    with pytest.raises(Invalid) as error:
        formula(text)
    assert why in error.value.public


def test_depth_costs_no_stack_and_length_is_bounded() -> None:
    assert holds(formula("(" * 90 + "AA" + ")" * 90), {"AA"})
    with pytest.raises(Invalid, match="more than"):
        formula("not " * MAX_TOKENS + "AA")
