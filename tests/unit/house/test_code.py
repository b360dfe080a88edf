"""What code must not do, on its syntax tree; each rule is shown to catch an example."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from posthouse.telemetry.spans import SPAN_NAMES

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "services" / "posthouse"
SOURCES = {path: ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py")) if "_pb2" not in path.name}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError|pragma: no cover")
SKIPS = re.compile(r"\b(importorskip|xfail|pytest\.skip|mark\.skip|skipif|skipTest|collect_ignore)\b")


def found(rule: Callable[[ast.AST], Iterator[ast.AST]]) -> list[str]:
    """file:line of everything that breaks the rule."""
    return [
        f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        for path, tree in SOURCES.items()
        for node in rule(tree)
    ]


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


# ---- tasks


def bare_tasks(tree: ast.AST) -> Iterator[ast.AST]:
    """Tasks that nobody waits for: asyncio.create_task, ensure_future, loop.create_task."""
    for call in calls(tree):
        target = call.func
        if isinstance(target, ast.Name) and target.id in {"create_task", "ensure_future"}:
            yield call
        if isinstance(target, ast.Attribute) and target.attr in {"create_task", "ensure_future"}:
            owner = target.value
            named = owner.id if isinstance(owner, ast.Name) else ""
            from_call = isinstance(owner, ast.Call) and "loop" in ast.unparse(owner)
            if named in {"asyncio", "loop"} or from_call:
                yield call


OWNED_OTHERWISE = {
    "services/posthouse/dns/resolver.py": "look-ups shared by their askers, kept in _flights; probes, kept in _probes",
    "services/posthouse/log/kafka.py": "producers being ended; kept in _ending until they are",
}
"""Files with a task outside a group, and who holds it instead."""


def test_tasks_belong_to_a_group() -> None:
    assert {place.partition(":")[0] for place in found(bare_tasks)} == set(OWNED_OTHERWISE)


@pytest.mark.parametrize(
    "code", ["asyncio.create_task(f())", "asyncio.get_running_loop().create_task(f())", "ensure_future(f())"]
)
def test_bare_tasks_are_seen(code: str) -> None:
    assert list(bare_tasks(ast.parse(code)))


def test_tasks_of_a_group_are_not() -> None:
    assert not list(bare_tasks(ast.parse("group.create_task(f())")))


# ---- failures


def swallowed(tree: ast.AST) -> Iterator[ast.AST]:
    """Whatever catches everything and does nothing with it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            everything = node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"}
            idle = all(
                isinstance(statement, ast.Pass | ast.Continue | ast.Break)
                or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
                for statement in node.body
            )
            if everything and idle:
                yield node
    for call in calls(tree):
        if ast.unparse(call.func) in {"suppress", "contextlib.suppress"}:
            named = {ast.unparse(argument) for argument in call.args}
            if named & {"Exception", "BaseException"}:
                yield call


def test_no_failure_is_swallowed() -> None:
    assert not found(swallowed)


@pytest.mark.parametrize(
    "code",
    [
        "try:\n f()\nexcept Exception:\n pass",
        "try:\n f()\nexcept:\n ...",
        "for x in y:\n try:\n  f()\n except BaseException:\n  continue",
        "with suppress(Exception):\n f()",
    ],
)
def test_swallowed_failures_are_seen(code: str) -> None:
    assert list(swallowed(ast.parse(code)))


# ---- what is unfinished, and tests that do not run


def test_nothing_is_unfinished() -> None:
    marks = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert not marks


def test_no_test_is_skipped() -> None:
    here = Path(__file__)
    marks = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (ROOT / "tests").rglob("*.py")
        if path != here
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if SKIPS.search(line)
    ]
    assert not marks


# ---- names of spans


def span_names(tree: ast.AST) -> Iterator[ast.Constant]:
    """First arguments of `….start("…")` that look like the name of a span."""
    for call in calls(tree):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "start" and call.args:
            first = call.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and "." in first.value:
                yield first


def test_spans_have_names_of_the_closed_list() -> None:
    strange = [
        f"{path.relative_to(ROOT)}:{name.lineno} {name.value!r}"
        for path, tree in SOURCES.items()
        for name in span_names(tree)
        if name.value not in SPAN_NAMES
    ]
    assert not strange


def test_every_span_of_the_closed_list_is_made() -> None:
    """As a constant somewhere outside the list itself: a name nobody uses is a promise nobody keeps."""
    used = {
        node.value
        for path, tree in SOURCES.items()
        if path.name != "spans.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(SPAN_NAMES) <= used


# ---- settings


def test_every_setting_is_read() -> None:
    """A key that no code reads promises something that nothing does. Read = an attribute of that name, in the package
    of the section's process or wherever the section's class is named; its own `problems` do not count."""
    from posthouse.cli.schema import schema

    packages = {"smtp": "ingress"}
    ignored = []
    for section in schema().sections.values():
        home = PACKAGE / packages.get(section.name, section.name)
        read: set[str] = set()
        for path, tree in SOURCES.items():
            names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            if home in path.parents or section.type.__name__ in names:
                read |= attributes_read(tree)
        ignored += [key.path for key in section.keys.values() if key.name not in read]
    assert not ignored


def attributes_read(tree: ast.AST) -> set[str]:
    """Names of attributes that are loaded, outside methods called `problems`."""
    found: set[str] = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef) and node.name == "problems":
            continue
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            found.add(node.attr)
        found |= attributes_read(node)
    return found


def test_attributes_read() -> None:
    code = "class C:\n def problems(self):\n  return self.only_checked\n def f(self):\n  self.written = self.used.inner"
    assert attributes_read(ast.parse(code)) == {"used", "inner"}
