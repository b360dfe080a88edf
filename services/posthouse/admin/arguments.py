"""Arguments of an operation, checked against its signature: the one place where JSON from outside becomes typed.

An operation is `async def name(context, *, argument: type = default, …)`; types are str, int, float, bool, tuple of
str, and `X | None` of these.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from posthouse.model.errors import Invalid

MAX_TEXT = 65_536
MAX_ITEMS = 10_000


def bind(operation: Callable[..., Any], given: Mapping[str, object]) -> dict[str, Any]:
    """Keyword arguments for `operation`. Invalid with a text that names the argument."""
    parameters = _parameters(operation)
    for name in given:
        if name not in parameters:
            known = ", ".join(parameters) or "none"
            raise Invalid(f"unknown argument {name!r}", public=f"unknown argument {name!r} (known: {known})")
    bound: dict[str, Any] = {}
    for name, (kind, optional, required) in parameters.items():
        if name not in given:
            if required:
                raise Invalid(f"missing argument {name!r}", public=f"the argument {name!r} is missing")
            continue
        value = given[name]
        bound[name] = None if value is None and optional else _typed(name, kind, value)
    return bound


@cache
def _parameters(operation: Callable[..., Any]) -> Mapping[str, tuple[Any, bool, bool]]:
    """name → (type, may be None, required)."""
    hints = typing.get_type_hints(operation)
    found = {}
    for name, parameter in inspect.signature(operation).parameters.items():
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        hint, optional = hints[name], False
        if isinstance(hint, types.UnionType):
            inner = [part for part in typing.get_args(hint) if part is not types.NoneType]
            if len(inner) != 1:
                raise TypeError(f"{operation.__name__}: {name} is {hint}")
            hint, optional = inner[0], True
        if hint not in (str, int, float, bool, tuple[str, ...]):
            raise TypeError(f"{operation.__name__}: {name} is {hint}")
        found[name] = (hint, optional, parameter.default is inspect.Parameter.empty)
    return found


def _typed(name: str, kind: Any, value: object) -> object:
    match value:
        case bool():
            if kind is bool:
                return value
        case int() | float():
            if kind is float or (kind is int and isinstance(value, int)):
                return kind(value)
        case str():
            if kind is str and len(value) <= MAX_TEXT:
                return value
        case list() | tuple():
            if kind == tuple[str, ...] and len(value) <= MAX_ITEMS:
                return tuple(_typed(name, str, item) for item in value)
    expected = "a list of texts" if kind == tuple[str, ...] else {str: "a text", bool: "true or false"}.get(kind)
    raise Invalid(f"argument {name}", public=f"the argument {name!r} must be {expected or 'a number'}")
