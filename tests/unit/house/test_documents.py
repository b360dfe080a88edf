"""What the documents say exists: links, decisions, commands, settings, metrics, examples. What no file may hold."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from posthouse.cli.root import root
from posthouse.cli.schema import schema
from posthouse.composition.process import ALL_SECTION_NAMES
from posthouse.log.topics import BY_NAME
from posthouse.protocol.imap.capability import capabilities
from posthouse.runtime.settings_load import load
from posthouse.telemetry.metric_names import METRICS
from posthouse.telemetry.spans import SPAN_NAMES

ROOT = Path(__file__).parents[3]
FOLDERS = ("docs", "services", "loadtests", "tests", "tools", "protos")
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))])
GENERATED = {ROOT / "docs" / "reference" / name for name in ("cli.md", "settings.md", "metrics.md")}
WRITTEN = [page for page in PAGES if page not in GENERATED]
# Put together here, so that this file does not break its own rule.
MACHINE_PATHS = re.compile("|".join(["/wo" + "rk/", "/ro" + "ot/", "bash_" + "jobs", "/home/" + "[a-z]+/"]))
REGISTRIES = re.compile(
    r"pypi\.(org|python)|pythonhosted|npmjs|repo1?\.maven|proxy\.golang|artifactory|nexus\.|index-url="
)
TEXT_SUFFIXES = {
    "",
    ".py",
    ".md",
    ".toml",
    ".tsv",
    ".yaml",
    ".yml",
    ".sh",
    ".cql",
    ".sql",
    ".proto",
    ".cf",
    ".conf",
    ".txt",
    ".xml",
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def files() -> Iterator[Path]:
    """Every file of ours that people read; generated code and caches are not."""
    for top in sorted(ROOT.iterdir()):
        if top.is_file():
            yield top
        elif top.name in {*FOLDERS, "requirements", ".ci"}:
            for path in sorted(top.rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts and "_pb2" not in path.name:
                    yield path


# ---- links


def anchors(page: Path) -> set[str]:
    """The names by which headings can be linked to, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"https?:|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)
    assert not broken


def test_pages_cited_in_the_code_exist() -> None:
    """Decisions and other pages, by their path: docs/adr/0002-….md, docs/consistency.md."""
    broken = set()
    for path in files():
        if path.suffix in {".md", ".pyc", ".lock"} or path.suffix not in TEXT_SUFFIXES | {".html"}:
            continue
        for cited in re.findall(r"\bdocs/[\w./-]+\.(?:md|tsv)\b", path.read_text(errors="replace")):
            if not (ROOT / cited).exists() and "NNNN" not in cited:
                broken.add(f"{name_of(path)}: {cited}")
        for number in re.findall(r"\bdocs/adr/(\d{4})\b", path.read_text(errors="replace")):
            if not list((ROOT / "docs" / "adr").glob(f"{number}-*.md")):
                broken.add(f"{name_of(path)}: ADR {number}")
    assert not broken


def test_decisions_are_numbered_once_and_listed() -> None:
    pages = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert numbers == list(range(1, len(pages) + 1))
    index = (ROOT / "docs" / "adr" / "README.md").read_text()
    for page in pages:
        assert f"({page.name})" in index, f"{page.name} is not in docs/adr/README.md"
        first, _, *rest = page.read_text().splitlines()
        assert first.startswith(f"# {page.name[:4]}: "), page.name
        assert rest[0].startswith("Status: "), page.name


# ---- commands


def console_lines(text: str) -> Iterator[str]:
    """What is typed in ```console blocks, continued lines joined, comments cut."""
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("$ "):
                yield re.sub(r"\s+#.*$", "", line[2:])


def posthouse_calls(text: str) -> Iterator[list[str]]:
    """Words after `posthouse` in console blocks and in inline code."""
    typed = [part for line in console_lines(text) for part in re.split(r"[;|&]+", line)]
    inline = re.findall(r"`(posthouse [^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    for call in [*typed, *inline]:
        match = re.match(r"\s*(?:\S*/)?posthouse (.+)", call)
        if match:
            yield match[1].split()


def wrong(words: list[str]) -> str | None:
    """Why that is no call of the command line; None where it is one. Arguments are not looked at."""
    command: click.Command = root
    context = click.Context(root, info_name="posthouse", **root.context_settings)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        names = words[0].split("|")
        found = [command.get_command(context, name) for name in names]
        if None in found or found[0] is None:
            return f"no command {words[0]!r}"
        command, words = found[0], words[1:]
        context = click.Context(command, info_name=names[0], parent=context)
    known = {
        option for parameter in command.get_params(context) for option in parameter.opts + parameter.secondary_opts
    }
    for word in words:
        if word.startswith("--") and word.partition("=")[0] not in known:
            return f"no option {word!r} of {context.command_path!r}"
    return None


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_commands_shown_exist(page: Path) -> None:
    problems = [
        f"posthouse {' '.join(words)}: {why}" for words in posthouse_calls(page.read_text()) if (why := wrong(words))
    ]
    assert not problems


def test_wrong_commands_are_seen() -> None:
    assert wrong(["mox"]) == "no command 'mox'"
    assert wrong(["ledger", "audit", "--sinse", "1d"]) == "no option '--sinse' of 'posthouse ledger audit'"
    assert wrong(["ledger", "audit", "--since", "1d"]) is None
    assert wrong(["completion", "bash"]) is None


def test_make_targets_shown_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
    unknown = set()
    for page in WRITTEN:
        text = page.read_text()
        shown = re.findall(r"`make ([a-z0-9-]+)`", text)
        shown += [match[1] for line in console_lines(text) if (match := re.match(r"make ([a-z0-9-]+)", line))]
        unknown |= {f"{name_of(page)}: make {target}" for target in shown if target not in targets}
    assert not unknown


def test_every_make_target_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text()
    silent = [line for line in re.findall(r"^[a-z0-9-]+:(?!=).*$", makefile, re.MULTILINE) if " ## " not in line]
    assert not silent


# ---- settings, metrics, examples


def test_settings_shown_exist() -> None:
    keys = {key.path for key in schema().all_keys()}
    keys |= {f"{key.path}_file" for key in schema().all_keys() if key.is_secret}
    file_types = {"py", "md", "toml", "yaml", "proto"}
    unknown = set()
    for page in WRITTEN:
        for section, key in re.findall(r"[` ](?:--set )?([a-z]+[0-9]?)\.([a-z_0-9]+)\b(?=[`= ])", page.read_text()):
            named = f"{section}.{key}"
            if (
                section in schema().sections
                and key not in file_types
                and named not in keys | set(SPAN_NAMES) | set(BY_NAME)
            ):
                unknown.add(f"{name_of(page)}: {named}")
    assert not unknown


def test_metrics_shown_exist() -> None:
    known = {metric.name for metric in METRICS}
    unknown = {
        f"{name_of(page)}: {name}"
        for page in WRITTEN
        for name in re.findall(
            r"\bposthouse_[a-z_]+(?:_total|_seconds|_bytes|_open|_ready|_unaccounted|_sessions)\b", page.read_text()
        )
        if name not in known
    }
    assert not unknown


def test_capabilities_offered_are_told() -> None:
    """In README.md, so that whoever looks for a server sees what it speaks."""
    offered = capabilities(authenticated=True, starttls=True, login=True, append_limit=1).decode().split()
    told = set(re.findall(r"[A-Za-z0-9+-]+", (ROOT / "README.md").read_text()))
    assert {word.partition("=")[0] for word in offered} <= told


def toml_blocks() -> list[tuple[str, str]]:
    return [
        (f"{name_of(page)} {number}", block)
        for page in WRITTEN
        for number, block in enumerate(re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL), 1)
    ]


@pytest.mark.parametrize(("name", "block"), toml_blocks(), ids=[name for name, _ in toml_blocks()])
def test_example_settings_can_be_loaded(name: str, block: str, tmp_path: Path) -> None:
    """Secrets that they name are made here; everything else is loaded as it stands."""
    block = block.replace("/etc/posthouse", str(tmp_path))
    for section in tomllib.loads(block).values():
        for key, value in section.items():
            if key.endswith("_file"):
                Path(value).touch(mode=0o600)
                Path(value).write_text("secret")
    path = tmp_path / "example.toml"
    path.write_text(block)
    settings = load(schema(), path, {}, [])
    assert {key for section, values in tomllib.loads(block).items() for key in (section,) if values} <= set(
        schema().sections
    )
    assert settings.schema is schema()


def test_the_cluster_example_is_complete() -> None:
    """Every process of a cluster finds its section; `data` is the embedded platform's."""
    [block] = [block for name, block in toml_blocks() if "cluster.md" in name]
    without = {"data", "filter", "dnslists", "reputation", "dmarcreports", "attachments", "clamav"}
    without |= {"rspamd", "spamassassin", "milter"}  # nothing in it that one must set
    assert set(tomllib.loads(block)) == ALL_SECTION_NAMES - without


# ---- locks and paths


def test_locks_pin_by_hash_and_name_no_index() -> None:
    locks = sorted((ROOT / "requirements").glob("*.txt"))
    assert locks
    for lock in locks:
        text = lock.read_text()
        assert "://" not in text, f"{lock.name} names a place to get packages from"
        assert not re.search(
            r"^\s*(-i|--index-url|--extra-index-url|-f|--find-links|--trusted-host)\b", text, re.MULTILINE
        )
        pins = re.split(r"\n(?=\S)", "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")))
        for pin in pins:
            assert re.match(r"[a-z0-9._-]+(\[[a-z0-9,_-]+\])?==\S+", pin.strip()), f"{lock.name}: {pin[:60]!r}"
            _, *options = re.split(r"\s*\\\n\s+", pin.strip())
            assert options, f"{lock.name}: {pin[:60]!r} has no hash"
            assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", option) for option in options), pin[:60]


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    found = [
        f"{name_of(path)}:{number}"
        for path in files()
        if path.suffix in TEXT_SUFFIXES
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if MACHINE_PATHS.search(line)
    ]
    assert not found


def test_no_file_names_a_registry() -> None:
    """Where packages come from is the machine's business: mirrors differ, and a lock with hashes needs no name."""
    here = Path(__file__)
    found = [
        f"{name_of(path)}:{number}"
        for path in files()
        if path.suffix in TEXT_SUFFIXES and path != here
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if REGISTRIES.search(line)
    ]
    assert not found


def test_the_layers_are_told_as_they_are_held() -> None:
    """Every package that a contract of pyproject.toml puts into a layer is in the pages that explain the layers."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    decision = re.search(r"```\n(cli\n.*?)```", (ROOT / "docs/adr/0001-one-distribution.md").read_text(), re.DOTALL)
    assert decision is not None
    told = [re.split(r" {3,}", line)[0] for line in decision[1].splitlines()]
    assert told == layers
    page = (ROOT / "ARCHITECTURE.md").read_text().partition("## Layers, and why")[2].partition("\n## ")[0]
    processes = {"mx", "submission", "filter", "delivery", "mailstore", "imap"}
    for layer in layers:
        for package in set(layer.split(" | ")) - processes:
            assert f"`{package}`" in page, package


def test_pre_commit_calls_the_tools_of_the_lock() -> None:
    hooks = re.findall(r"entry: (\S+)", (ROOT / ".pre-commit-config.yaml").read_text())
    assert hooks
    assert all(hook.startswith(".venv/bin/") for hook in hooks)
