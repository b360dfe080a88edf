"""What the tree must look like: processes, their headers, the map, names, sizes, and a test for each module."""

import ast
import re
import subprocess
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from posthouse.log.topics import FLOW, GROUPS

ROOT = Path(__file__).parents[3]
SERVICES = ROOT / "services"
PACKAGE = SERVICES / "posthouse"
MAX_LINES = 600
LARGE_ENOUGH = 40
"""Lines of code of a module that must have a test file of its own."""
JUNK_DRAWERS = {"util", "utils", "helper", "helpers", "common", "misc", "lib", "stuff", "tools"}

TESTED_ELSEWHERE = {
    "admin/": "through the command line and the control socket: tests/integration/cli",
    "cli/": "as a program: tests/integration/cli",
    "composition/": "as processes on the real servers: tests/e2e, tests/telemetry",
    "delivery/": "as a stage on the embedded stores: tests/integration/road, tests/integration/drills",
    "engines/cassandra.py": "on a real Cassandra, by every contract suite: tests/contract",
    "filter/": "as a stage on the embedded stores: tests/integration/road",
    "held/": "with the stores it needs: tests/integration/road",
    "imap/": "over sockets: tests/integration/imap, tests/transcripts",
    "ingress/": "over sockets: tests/integration/smtp, tests/transcripts, tests/fuzz",
    "ledger/": "against evidence in real stores: tests/integration/road",
    "log/kafka": "on a real Kafka: tests/contract/test_log.py, tests/integration/log",
    "log/sqlite": "tests/contract/test_log.py",
    "mailstore/": "over gRPC: tests/contract/test_mail_store.py",
    "model/": "values; whoever uses them tests them",
    "mx/": "over sockets: tests/integration/smtp",
    "ports/": "tests/contract",
    "protocol/imap/": "together: tests/unit/protocol/imap, tests/transcripts, tests/fuzz",
    "runtime/": "with real sockets and signals: tests/integration/runtime",
    "dns/": "tests/contract/test_resolver.py",
    "store/account/": "tests/contract/test_mail_store.py, tests/contract/test_account_log_model.py",
    "store/blob/": "tests/contract/test_blob_store.py",
    "store/directory/": "tests/contract/test_directory.py",
    "submission/": "over sockets: tests/integration/smtp",
}
"""Modules without a test file of their own name, and where they are tested instead."""


@pytest.fixture(scope="module")
def docs() -> ModuleType:
    """tools/docs.py."""
    spec = spec_from_file_location("docs", ROOT / "tools" / "docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    import sys

    sys.modules["docs"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def tracked(*patterns: str) -> list[Path]:
    """Files under version control that still exist."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def modules() -> Iterator[Path]:
    """Hand-written modules of the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if "_pb2" not in path.name:
            yield path


def code_lines(path: Path) -> int:
    """Lines with statements; docstrings, comments and blank lines do not count."""
    tree = ast.parse(path.read_text())
    lines: set[int] = set()
    for node in ast.walk(tree):
        constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, ast.stmt) and not constant and not isinstance(node, ast.Import | ast.ImportFrom):
            lines.add(node.lineno)
    return len(lines)


# ---- processes


def test_each_process_says_what_it_does(docs: ModuleType) -> None:
    for process in docs.processes():
        if process.name == "cli":
            continue
        assert tuple(process.header) == docs.HEADER, f"docstring of posthouse.{process.name}"
        assert all(process.header.values()), f"docstring of posthouse.{process.name}"


def names_in(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+\.[a-z0-9.]*[a-z0-9*]", text))


@pytest.mark.parametrize("direction", ["Consumes", "Produces"])
def test_the_headers_agree_with_the_topics(docs: ModuleType, direction: str) -> None:
    for process in docs.processes():
        if process.name == "cli":
            continue
        sides = [topic.consumed_by if direction == "Consumes" else topic.produced_by for topic in FLOW]
        expected = {topic.name for topic, side in zip(FLOW, sides, strict=True) if process.name in side}
        if process.name in GROUPS:
            expected.add(f"{process.name}.retry.*")
            if direction == "Produces":
                expected.add(f"{process.name}.dlq")
        assert names_in(process.header[direction]) == expected, f"{direction} of {process.name}"


def test_topics_name_only_processes(docs: ModuleType) -> None:
    known = {process.name for process in docs.processes()}
    assert {name for topic in FLOW for name in (*topic.produced_by, *topic.consumed_by)} <= known


def test_generated_pages_are_up_to_date(docs: ModuleType) -> None:
    for name, render in docs.PAGES.items():
        assert (ROOT / name).read_text() == render(), f"{name}: run `make docs`"


def test_the_map_lists_every_process(docs: ModuleType) -> None:
    page = (SERVICES / "README.md").read_text()
    for main in PACKAGE.glob("*/__main__.py"):
        assert f"[`{main.parent.name}`]" in page


def test_composition_roots_are_short() -> None:
    for main in PACKAGE.glob("*/__main__.py"):
        assert len(main.read_text().splitlines()) <= 120, main


# ---- modules


def test_no_module_is_too_long() -> None:
    long = {
        str(path.relative_to(ROOT)): n for path in modules() if (n := len(path.read_text().splitlines())) > MAX_LINES
    }
    assert not long


def test_no_module_is_a_junk_drawer() -> None:
    paths = [*modules(), *(ROOT / "tests").rglob("*.py"), *(ROOT / "loadtests").rglob("*.py")]
    named = [path for path in paths if JUNK_DRAWERS & {path.stem, *path.relative_to(ROOT).parts[1:-1]}]
    assert not named


def test_every_module_and_package_says_what_it_is_for() -> None:
    silent = [path for path in modules() if code_lines(path) and not ast.get_docstring(ast.parse(path.read_text()))]
    assert not silent


def elsewhere(name: str) -> str | None:
    return next((where for prefix, where in TESTED_ELSEWHERE.items() if name.startswith(prefix)), None)


def test_each_module_of_some_size_is_tested() -> None:
    untested = []
    for path in modules():
        name = path.relative_to(PACKAGE)
        test = ROOT / "tests" / "unit" / name.parent / f"test_{name.name}"
        if code_lines(path) >= LARGE_ENOUGH and not test.exists() and elsewhere(name.as_posix()) is None:
            untested.append(f"{name}: no {test.relative_to(ROOT)}")
    assert not untested


def test_places_where_modules_are_tested_exist() -> None:
    for prefix, where in TESTED_ELSEWHERE.items():
        assert (PACKAGE / prefix).is_dir() or list(PACKAGE.glob(prefix + "*")), f"{prefix} is no module"
        for place in re.findall(r"tests/[a-z0-9_/]+(?:\.py)?", where):
            assert (ROOT / place.rstrip("/")).exists(), f"{prefix}: {place} does not exist"


def test_unit_tests_mirror_the_package() -> None:
    outside = {"harness", "house", "loadtests"}
    folders = {
        test.parent.relative_to(ROOT / "tests" / "unit") for test in (ROOT / "tests" / "unit").rglob("test_*.py")
    }
    strays = [folder for folder in folders if folder.parts[0] not in outside and not (PACKAGE / folder).is_dir()]
    assert not strays


def test_no_init_files_under_tests() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_nothing_loose_in_operator() -> None:
    """A module there would shadow the standard library's `operator`."""
    folder = ROOT / "operator"
    assert not folder.exists() or not list(folder.glob("*.py"))
