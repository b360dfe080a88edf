"""The table of operations."""

import inspect
from pathlib import Path

import pytest

from harness.admin import embedded_admin
from posthouse.admin.arguments import bind
from posthouse.admin.dispatch import OPERATIONS, dispatch
from posthouse.model.errors import Invalid


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_takes_a_context_and_arguments_that_json_carries(name: str) -> None:
    operation = OPERATIONS[name]
    assert inspect.iscoroutinefunction(operation)
    first, *rest = inspect.signature(operation).parameters.values()
    assert first.name == "context"
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in rest)
    if any(parameter.default is inspect.Parameter.empty for parameter in rest):
        with pytest.raises(Invalid):
            bind(operation, {})
    else:
        assert bind(operation, {}) == {}


async def test_unknown_operations_are_refused(tmp_path: Path) -> None:
    async with embedded_admin(tmp_path) as context:
        with pytest.raises(Invalid) as caught:
            await dispatch(context, "account.delete", {})
        assert "older version" in caught.value.public
        with pytest.raises(Invalid):
            await dispatch(context, "account.list", {"where": "here"})
        assert await dispatch(context, "account.list", {}) == []
