"""Arguments of operations: what JSON brings is checked against the signature."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.admin.arguments import MAX_ITEMS, MAX_TEXT, bind
from posthouse.model.errors import Invalid


async def operation(
    context: object,
    *,
    name: str,
    limit: int | None = None,
    share: float = 1.0,
    on: bool = False,
    names: tuple[str, ...] = (),
) -> None: ...


def test_what_fits_is_passed_on() -> None:
    given = {"name": "x", "limit": 3, "share": 2, "on": True, "names": ["a", "b"]}
    assert bind(operation, given) == {"name": "x", "limit": 3, "share": 2.0, "on": True, "names": ("a", "b")}


def test_defaults_are_left_to_the_operation() -> None:
    assert bind(operation, {"name": "x"}) == {"name": "x"}


def test_none_only_where_the_type_allows_it() -> None:
    assert bind(operation, {"name": "x", "limit": None})["limit"] is None
    with pytest.raises(Invalid, match="share"):
        bind(operation, {"name": "x", "share": None})


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "'name' is missing"),
        ({"name": 1}, "'name' must be a text"),
        ({"name": "x", "limit": "3"}, "'limit' must be a number"),
        ({"name": "x", "limit": True}, "'limit' must be a number"),
        ({"name": "x", "limit": 1.5}, "'limit' must be a number"),
        ({"name": "x", "on": 1}, "'on' must be true or false"),
        ({"name": "x", "names": "a"}, "'names' must be a list of texts"),
        ({"name": "x", "names": ["a", 1]}, "'names' must be a text"),
        ({"name": "x", "names": [["a"]]}, "'names' must be a text"),
        ({"name": "x", "nome": "y"}, "unknown argument 'nome' (known: name, limit, share, on, names)"),
        ({"name": "x" * (MAX_TEXT + 1)}, "'name' must be a text"),
        ({"name": "x", "names": ["a"] * (MAX_ITEMS + 1)}, "'names' must be a list of texts"),
    ],
)
def test_what_does_not_fit_is_named(given: dict[str, object], says: str) -> None:
    with pytest.raises(Invalid) as caught:
        bind(operation, given)
    assert says in caught.value.public


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["name", "limit", "share", "on", "names", "other"]), _JSON))
def test_anything_is_bound_or_refused(given: dict[str, object]) -> None:
    try:
        bound = bind(operation, given)
    except Invalid:
        return
    assert isinstance(bound["name"], str)
    assert all(isinstance(name, str) for name in bound.get("names", ()))


def test_an_operation_with_an_odd_type_is_a_fault_of_ours() -> None:
    async def odd(context: object, *, where: dict[str, str]) -> None: ...

    with pytest.raises(TypeError, match="where"):
        bind(odd, {})
