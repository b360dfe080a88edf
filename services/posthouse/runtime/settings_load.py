"""Loads settings: flags > environment > file > default, and refuses whatever is not known.

Every problem is collected, each with the place where it was found and the nearest name that exists. Environment
variables are `POSTHOUSE_<SECTION>_<KEY>`; those that Kubernetes makes for a Service called `posthouse-*`
(`…_SERVICE_HOST`, `…_PORT=tcp://…`) are left alone, they are nobody's setting.
"""

import difflib
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from posthouse.runtime.settings import Key, Problem, Schema, Secret, Section, Settings, SettingsError, Source
from posthouse.runtime.settings_values import EXPECTED, from_text, from_toml

PREFIX: Final = "POSTHOUSE_"
RESERVED: Final = frozenset({"POSTHOUSE_CONFIG", "POSTHOUSE_DATA", "POSTHOUSE_WORKER", "POSTHOUSE_CACHE"})
"""Variables that are no settings: path of the file, data directory, number of a worker, cache of the test harness."""
MAX_FILE: Final = 1 << 20
MAX_SECRET: Final = 1 << 16
_FILE: Final = "_file"
# kubernetes.io: "Environment variables" made for each Service in the namespace.
_SERVICE_LINK = re.compile(r".*(_SERVICE_HOST|_SERVICE_PORT(_.*)?|_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)")
_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?")
_ASSIGNMENT = re.compile(r"""\s*["']?([A-Za-z0-9_-]+)["']?\s*=""")


@runtime_checkable
class Checked(Protocol):
    """A section class may check its fields against each other."""

    def problems(self) -> Iterable[str]:
        """One sentence for each thing that is wrong."""


def load(
    schema: Schema,
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
    *,
    ignore: Collection[str] = (),
) -> Settings:
    """Read everything. `overrides` are the values of `--set`, `section.key=value`. SettingsError with all problems.

    `ignore`: sections of other processes, which one file for a whole cluster has too; `check` with the schema of all
    of them is what judges those.
    """
    loader = _Loader(schema, ignore)
    if path is not None:
        loader.file(path)
    loader.environment(environ or {})
    for override in overrides:
        loader.flag(override)
    settings = loader.finish()
    if loader.problems:
        raise SettingsError(loader.problems)
    assert settings is not None
    return settings


def check(
    schema: Schema,
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> list[Problem]:
    """What `load` would refuse; empty when all is well."""
    try:
        load(schema, path, environ, overrides)
    except SettingsError as error:
        return list(error.problems)
    return []


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean "x"?` for the known name closest to `name`, or nothing."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f'; did you mean "{found[0]}"?' if found else ""


class _Loader:
    """Collects values by key, later layers over earlier ones."""

    def __init__(self, schema: Schema, ignore: Collection[str] = ()) -> None:
        self.schema = schema
        self.ignore = ignore
        self.problems: list[Problem] = []
        self.values: dict[str, object] = {}
        self.sources: dict[str, Source] = {}
        self.variables: dict[str, tuple[Key, bool]] = {}
        for key in schema.all_keys():
            self.variables[key.variable] = (key, False)
            if key.is_secret:
                self.variables[key.variable + _FILE.upper()] = (key, True)

    def refuse(self, text: str, source: Source, key: str = "") -> None:
        self.problems.append(Problem(text, key, source))

    # -- layers ------------------------------------------------------------------------------------------------------

    def file(self, path: Path) -> None:
        source = Source("file", str(path))
        try:
            raw = path.read_bytes()
            if len(raw) > MAX_FILE:
                self.refuse(f"the file is larger than {MAX_FILE} octets", source)
                return
            text = raw.decode("utf-8")
            document = tomllib.loads(text)
        except OSError as error:
            self.refuse(f"cannot be read: {error.strerror}", source)
            return
        except UnicodeDecodeError:
            self.refuse("is not UTF-8", source)
            return
        except tomllib.TOMLDecodeError as error:
            self.refuse(f"is not TOML: {error}", source)
            return
        lines = _Lines(text)
        for name, table in document.items():
            section = self.schema.sections.get(name)
            if not isinstance(table, dict):
                place = Source("file", f"{path}:{lines.key('', name)}")
                self.refuse(f'"{name}" stands outside of a section{self._home_of(name)}', place)
            elif section is None:
                if name in self.ignore:
                    continue
                place = Source("file", f"{path}:{lines.section(name)}")
                self.refuse(f"unknown section [{name}]{nearest(name, self.schema.sections)}", place)
            else:
                for key_name, value in table.items():
                    place = Source("file", f"{path}:{lines.key(name, key_name)}")
                    self._file_value(section, key_name, value, place)

    def environment(self, environ: Mapping[str, str]) -> None:
        for variable in sorted(environ):
            if not variable.startswith(PREFIX) or variable in RESERVED:
                continue
            text = environ[variable]
            if _SERVICE_LINK.fullmatch(variable) or (variable.endswith("_PORT") and "://" in text):
                continue
            source = Source("environment", variable)
            known = self.variables.get(variable)
            if known is None:
                if variable.startswith(tuple(f"{PREFIX}{name.upper()}_" for name in self.ignore)):
                    continue
                self.refuse(f"unknown variable{nearest(variable, self.variables)}", source)
                continue
            key, by_file = known
            if by_file:
                self._secret_file(key, text, source)
            elif key.is_secret:
                self._take(key, Secret(text), source)
            else:
                self._text_value(key, text, source)

    def flag(self, override: str) -> None:
        path, equals, text = override.partition("=")
        source = Source("flag", f"--set {path}")
        section_name, dot, key_name = path.strip().partition(".")
        if not equals or not dot:
            self.refuse("is written --set section.key=value", source)
            return
        section = self.schema.sections.get(section_name)
        if section is None:
            self.refuse(f"unknown section [{section_name}]{nearest(section_name, self.schema.sections)}", source)
            return
        key, by_file = self._find(section, key_name)
        if key is None:
            self.refuse(f"unknown key{self._suggest(section, key_name)}", source)
        elif by_file:
            self._secret_file(key, text, source)
        elif key.is_secret:
            self.refuse(self._secret_rule(key), source, key.path)
        else:
            self._text_value(key, text, source)

    def finish(self) -> Settings | None:
        refused = bool(self.problems)
        sections: dict[str, object] = {}
        for section in self.schema.sections.values():
            chosen = {key.name: self.values[key.path] for key in section.keys.values() if key.path in self.values}
            sections[section.name] = value = section.type(**chosen)
            # Only of values that were all understood: a check of a default put in for a refused value would mislead.
            if isinstance(value, Checked) and not refused:
                self.problems.extend(Problem(f"[{section.name}] {text}") for text in value.problems())
        return None if self.problems else Settings(self.schema, sections, self.sources)

    # -- values ------------------------------------------------------------------------------------------------------

    def _find(self, section: Section, name: str) -> tuple[Key | None, bool]:
        key = section.keys.get(name)
        if key is not None:
            return key, False
        key = section.keys.get(name.removesuffix(_FILE)) if name.endswith(_FILE) else None
        return (key, True) if key is not None and key.is_secret else (None, False)

    def _file_value(self, section: Section, name: str, value: object, source: Source) -> None:
        key, by_file = self._find(section, name)
        if key is None:
            self.refuse(f'unknown key "{name}" in [{section.name}]{self._suggest(section, name)}', source)
        elif by_file:
            if isinstance(value, str):
                self._secret_file(key, value, source)
            else:
                self.refuse(f"{key.path}{_FILE} is {value!r}, expected a path", source, key.path)
        elif key.is_secret:
            self.refuse(self._secret_rule(key), source, key.path)
        else:
            try:
                self._take(key, from_toml(key.kind, value, key.choices), source)
            except ValueError:
                self._refuse_value(key, value, source)

    def _text_value(self, key: Key, text: str, source: Source) -> None:
        if key.optional and text == "":
            self._take(key, None, source)
            return
        try:
            self._take(key, from_text(key.kind, text, key.choices), source)
        except ValueError:
            self._refuse_value(key, text, source)

    def _secret_file(self, key: Key, path: str, source: Source) -> None:
        try:
            with Path(path).expanduser().open("rb") as file:
                raw = file.read(MAX_SECRET + 1)
            text = raw.decode("utf-8")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            self.refuse(f"{key.path}: the file {path} cannot be read: {reason}", source, key.path)
            return
        # Editors and `echo` end a file with a line break, which is never meant.
        text = text.removesuffix("\n").removesuffix("\r")
        if not text or len(raw) > MAX_SECRET:
            self.refuse(f"{key.path}: the file {path} is empty or larger than {MAX_SECRET} octets", source, key.path)
            return
        self._take(key, Secret(text), source)

    def _take(self, key: Key, value: object, source: Source) -> None:
        doc = key.doc
        if isinstance(value, int | float) and not isinstance(value, bool):
            low, high = doc.least, doc.most
            if (low is not None and value < low) or (high is not None and value > high):
                bounds = f"at least {low:g}" if high is None else f"at most {high:g}" if low is None else ""
                bounds = bounds or f"between {low:g} and {high:g}"
                self.refuse(f"{key.path} is {value!r}, expected {bounds}", source, key.path)
                return
        self.values[key.path] = value
        self.sources[key.path] = source

    def _refuse_value(self, key: Key, value: object, source: Source) -> None:
        expected = EXPECTED[key.kind] + (" " + ", ".join(key.choices) if key.choices else "")
        close = nearest(str(value), key.choices)
        self.refuse(f"{key.path} is {value!r}, expected {expected}{close}", source, key.path)

    # -- words -------------------------------------------------------------------------------------------------------

    def _secret_rule(self, key: Key) -> str:
        return (
            f"{key.path} is a secret and is not written here: give the path of a file as {key.path}{_FILE}, "
            f"or set the variable {key.variable}"
        )

    def _suggest(self, section: Section, name: str) -> str:
        known = [key.name + _FILE if key.is_secret else key.name for key in section.keys.values()]
        return nearest(name, known) or self._home_of(name)

    def _home_of(self, name: str) -> str:
        homes = [section.name for section in self.schema.sections.values() if name in section.keys]
        return f"; it belongs in [{homes[0]}]" if len(homes) == 1 else ""


class _Lines:
    """Line numbers of sections and keys: tomllib does not keep them. 1 where a form is too unusual to be found."""

    def __init__(self, text: str) -> None:
        self._sections: dict[str, int] = {}
        self._keys: dict[tuple[str, str], int] = {}
        section = ""
        for number, line in enumerate(text.splitlines(), 1):
            header = _HEADER.fullmatch(line)
            assignment = _ASSIGNMENT.match(line)
            if header is not None:
                section = header.group(1).strip("\"'")
                self._sections.setdefault(section, number)
            elif assignment is not None:
                self._keys.setdefault((section, assignment.group(1)), number)

    def section(self, name: str) -> int:
        return self._sections.get(name, 1)

    def key(self, section: str, name: str) -> int:
        return self._keys.get((section, name), self.section(section))
