"""Tests never sleep: time passes in `harness.waiting` alone, and each time with a reason.

Programs that a test writes out as text for other processes are no tests; they may do as they like.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
WAITING = TESTS / "harness" / "waiting.py"
CLOCKS = {"asyncio", "time", "trio", "anyio"}
ELAPSE = {"elapse", "elapse_blocking"}


def bare_sleeps(tree: ast.AST) -> Iterator[ast.AST]:
    """Sleeps of the event loop or of the thread. `asyncio.sleep(0)` is none: it lets the others run."""
    allowed = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call) and yields(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in CLOCKS:
            yield from (alias for alias in node.names if alias.name == "sleep")
        named = isinstance(node, ast.Attribute) and node.attr == "sleep" and ast.unparse(node.value) in CLOCKS
        if named and id(node) not in allowed:
            yield node


def yields(call: ast.Call) -> bool:
    """Whether it is asyncio.sleep(0)."""
    nothing = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    return ast.unparse(call.func) == "asyncio.sleep" and nothing == [0]


def unexplained(tree: ast.AST) -> Iterator[ast.Call]:
    """Time that passes without a reason in words."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ELAPSE:
            reason = node.args[1] if len(node.args) == 2 else None
            in_words = isinstance(reason, ast.Name) or (
                isinstance(reason, ast.Constant) and isinstance(reason.value, str) and len(reason.value.split()) >= 2
            )
            if not in_words:
                yield node


def sources() -> Iterator[tuple[str, ast.AST]]:
    for path in sorted(TESTS.rglob("*.py")):
        text = path.read_text()
        if path != WAITING and ("sleep" in text or "elapse" in text):
            yield str(path.relative_to(TESTS)), ast.parse(text)


def test_no_test_sleeps() -> None:
    assert not [f"{name}:{getattr(node, 'lineno', 0)}" for name, tree in sources() for node in bare_sleeps(tree)]


def test_time_that_passes_has_a_reason() -> None:
    assert not [f"{name}:{call.lineno}" for name, tree in sources() for call in unexplained(tree)]


@pytest.mark.parametrize(
    "code",
    [
        "async def f():\n await asyncio.sleep(0.01)",
        "async def f():\n await asyncio.sleep(pause)",
        "async def f():\n await asyncio.sleep(0 if x else 1)",
        "time.sleep(0)",
        "time.sleep(1)",
        "from asyncio import sleep",
        "from time import monotonic, sleep as nap",
        "wait = asyncio.sleep",
    ],
)
def test_sleeps_are_seen(code: str) -> None:
    assert list(bare_sleeps(ast.parse(code)))


@pytest.mark.parametrize(
    "code", ["async def f():\n await asyncio.sleep(0)", "clock.sleep(5)", "PROGRAM = 'time.sleep(9)'"]
)
def test_what_is_no_sleep_is_not(code: str) -> None:
    assert not list(bare_sleeps(ast.parse(code)))


@pytest.mark.parametrize("code", ["elapse(1)", "elapse(1, '')", "elapse(1, 'because')", "waiting.elapse(1, f())"])
def test_time_without_a_reason_is_seen(code: str) -> None:
    assert list(unexplained(ast.parse(code)))
