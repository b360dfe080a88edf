"""What the tree must look like: processes, their headers, the map, names, sizes, and a test for each module."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from posthouse.log.topics import FLOW, GROUPS, PROCESS_OF

ROOT = Path(__file__).parents[3]
SERVICES = ROOT / "services"
PACKAGE = SERVICES / "posthouse"
MAX_LINES = 600
LARGE_ENOUGH = 40
"""Lines of code of a module that must have a test file of its own."""
JUNK_DRAWERS = {"util", "utils", "helper", "helpers", "common", "misc", "lib", "stuff", "tools"}

PROGRAM = "as a program"
TESTED_ELSEWHERE: dict[str, tuple[str, ...]] = {
    # Whole, with a real server or a real directory below it: the promise is that of the port.
    "tests/contract/test_mail_store.py": (
        "engines/cassandra.py",
        "model/change.py",
        "model/journal.py",
        "model/mailbox.py",
        "store/account/draft.py",
        "store/account/folders.py",
        "store/account/lifecycle.py",
        "store/account/messages.py",
        "store/account/remote_calls.py",
        "store/account/remote_watch.py",
        "store/account/sqlite.py",
        "store/account/sqlite_rows.py",
        "store/account/table.py",
    ),
    "tests/contract/test_account_log_model.py": ("store/account/owner_commit.py", "store/account/owner_log.py"),
    "tests/contract/test_blob_store.py": (
        "store/blob/blob_store.py",
        "store/blob/cassandra.py",
        "store/blob/sqlite.py",
    ),
    "tests/contract/test_directory.py": (
        "store/directory/cache.py",
        "store/directory/cassandra.py",
        "store/directory/directory.py",
        "store/directory/sqlite.py",
    ),
    "tests/contract/test_model_store.py": ("store/spam_models/cassandra.py",),
    "tests/contract/test_log.py": (
        "log/kafka.py",
        "log/kafka_consumer.py",
        "log/kafka_look.py",
        "log/sqlite_group.py",
    ),
    "tests/integration/dns/test_faults.py": ("dns/exchange.py", "dns/resolver.py", "dns/stream.py", "dns/udp.py"),
    # Over sockets: what they do is what a client sees.
    "tests/integration/imap/test_connection.py": (
        "imap/connection.py",
        "imap/handlers/append.py",
        "imap/handlers/fetch.py",
        "imap/handlers/login.py",
        "imap/handlers/search.py",
        "imap/handlers/sections.py",
        "imap/handlers/select.py",
        "imap/handlers/store.py",
        "imap/server.py",
        "imap/wire.py",
    ),
    "tests/integration/smtp/test_content.py": ("ingress/clamav.py",),
    # From a message with the file in it to the finding.
    "tests/unit/attachments/test_inspect.py": (
        "attachments/office.py",
        "attachments/packed.py",
        "attachments/sniff.py",
        "attachments/tars.py",
        "attachments/zips.py",
    ),
    "tests/integration/dns/test_dns_lists.py": ("runtime/dns_lists.py",),
    "tests/integration/filter/test_scorers.py": ("filter/scorers.py",),
    "tests/integration/filter/test_milter.py": ("filter/beside/milter.py",),
    "tests/integration/smtp/test_connection.py": (
        "ingress/connection.py",
        "ingress/handlers/data.py",
        "ingress/handlers/greeting.py",
        "ingress/server.py",
    ),
    "tests/integration/runtime/test_listener.py": ("runtime/listener.py",),
    # On the embedded stores, with evidence to look at.
    "tests/integration/road/test_road.py": ("held/mail.py", "ledger/timeline.py", "model/envelope.py"),
    # With their neighbours, from the text of a command to the uids found.
    "tests/unit/protocol/imap/test_search.py": (
        "protocol/imap/commands/search.py",
        "protocol/imap/search_keys.py",
    ),
    "tests/unit/protocol/imap/test_fetch.py": ("protocol/imap/commands/fetch.py",),
    "tests/unit/protocol/imap/commands/test_verbs.py": ("protocol/imap/commands/list.py",),
    # In a process of their own, by what it prints, answers and exits with.
    f"tests/integration/cli {PROGRAM}": ("cli/commands/doctor.py", "cli/up.py"),
    f"tests/integration/runtime/test_process.py {PROGRAM}": ("runtime/process.py",),
    f"tests/telemetry {PROGRAM}": ("imap/traced.py",),
    f"tests/e2e {PROGRAM}": ("composition/announce.py", "composition/cluster.py", "composition/process.py"),
}
"""Modules of some size without a test file of their own name, by the place where they are tested instead. A test not
marked as one of a program imports the module, by way of the harness as a rule; a house test looks."""


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
        groups = [group for group in GROUPS if PROCESS_OF[group] == process.name]
        mine = {process.name, *groups}
        sides = [topic.consumed_by if direction == "Consumes" else topic.produced_by for topic in FLOW]
        expected = {topic.name for topic, side in zip(FLOW, sides, strict=True) if mine & set(side)}
        for group in groups:
            expected.add(f"{group}.retry.*")
            if direction == "Produces":
                expected.add(f"{group}.dlq")
        assert names_in(process.header[direction]) == expected, f"{direction} of {process.name}"


def test_topics_name_only_processes(docs: ModuleType) -> None:
    known = {process.name for process in docs.processes()}
    named = {name for topic in FLOW for name in (*topic.produced_by, *topic.consumed_by)}
    assert {PROCESS_OF.get(name, name) for name in named} <= known


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


def test_each_module_of_some_size_is_tested() -> None:
    elsewhere = {module for modules in TESTED_ELSEWHERE.values() for module in modules}
    untested = []
    superfluous = set(elsewhere)
    for path in modules():
        name = path.relative_to(PACKAGE)
        test = ROOT / "tests" / "unit" / name.parent / f"test_{name.name}"
        if code_lines(path) < LARGE_ENOUGH or test.exists():
            continue
        superfluous.discard(name.as_posix())
        if name.as_posix() not in elsewhere:
            untested.append(f"{name}: no {test.relative_to(ROOT)}")
    assert not untested
    assert not superfluous, "these have a test file of their own, are small, or are gone"


@cache
def imported(path: Path) -> frozenset[Path]:
    """Files of the package and of the harness that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            source = {"posthouse": SERVICES, "harness": ROOT / "tests"}.get(name.partition(".")[0])
            if source is not None:
                module = source.joinpath(*name.split("."))
                found |= {p for p in (module.with_suffix(".py"), module / "__init__.py") if p.is_file()}
    return frozenset(found)


def reached_from(test: Path) -> set[str]:
    """Modules of the package that a test file imports, directly or by way of the harness or other modules."""
    seen: set[Path] = set()
    waiting = [test]
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += imported(path)
    return {path.relative_to(PACKAGE).as_posix() for path in seen if PACKAGE in path.parents}


@pytest.mark.parametrize("place", TESTED_ELSEWHERE)
def test_modules_are_tested_where_it_is_said(place: str) -> None:
    path = ROOT / place.partition(" ")[0]
    assert path.exists()
    for module in TESTED_ELSEWHERE[place]:
        assert (PACKAGE / module).is_file(), module
        if PROGRAM not in place:
            assert module in reached_from(path), f"{place} does not reach {module}"


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
