"""How a process declares its settings: frozen dataclasses whose fields say what, unit, default and why.

    @dataclass(frozen=True, slots=True)
    class MxSettings:
        \"\"\"The SMTP server that receives mail from the internet.\"\"\"

        port: int = setting(25, "TCP port.", why="The port of SMTP between servers.", least=0, most=65535)
        timeout: Duration = setting(Duration(300), "Wait for a command.", why="RFC 5321 §4.5.3.2.7 asks for 5 min.")

    MX = Section("mx", MxSettings)
    @dataclass(frozen=True, slots=True)
    class MxProcess:                      # what the process as a whole reads
        mx: MxSettings
        kafka: KafkaSettings
    settings = load(Schema((MX, KAFKA)), path, environ, overrides)     # settings_load.py
    process = settings.compose(MxProcess)

Invariants: defaults are valid values; a class appears in one section only; secrets never come from TOML or a command
line. Field types: bool, int, float, str, Path, Duration, Size, Secret, Literal of strings, tuple[str, ...], and
`X | None` of these. Sections are registered explicitly in a `Schema` by the composition root; nothing is discovered.
Not done here: reading files (`settings_load.py`), texts to values (`settings_values.py`), the shared sections
(`sections.py`), documentation (`settings_reference.py`).
"""

import dataclasses
import hmac
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Final, Literal, NewType, TypeVar

from posthouse.runtime import settings_values as values

Duration = NewType("Duration", float)
"""Seconds. Written as `30`, `"30s"`, `"5m"`, `"1h"`, `"2d"`, `"250ms"`."""
Size = NewType("Size", int)
"""Octets. Written as `1048576`, `"64KiB"`, `"25MiB"`, `"1GiB"` (or `kB`, `MB`, `GB`, powers of 1000)."""

Origin = Literal["default", "file", "environment", "flag"]

_METADATA: Final = "posthouse"
T = TypeVar("T")


class Secret:
    """A value that no log, trace, repr or `config show` reveals."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself; call it only where it is handed to a client library."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment]  # a hash in a repr of a dict would be a leak


@dataclass(frozen=True, slots=True)
class Doc:
    """What `setting` records about a field."""

    help: str
    why: str
    unit: str
    least: float | None
    most: float | None


def setting(
    default: T, help: str, *, why: str, unit: str = "", least: float | None = None, most: float | None = None
) -> T:
    """Declare a field: default, what it is, why that default, unit (where the type does not say it), bounds."""
    doc = Doc(help, why, unit, least, most)
    return dataclasses.field(default=default, metadata={_METADATA: doc})


def secret(help: str, *, why: str) -> Secret | None:
    """Declare a secret, unset by default: `<key>_file` anywhere, or the value itself in the environment."""
    return setting(None, help, why=why)


@dataclass(frozen=True, slots=True)
class Key:
    """One field of a section, as the loader and the reference see it."""

    section: str
    name: str
    kind: values.Kind
    optional: bool
    choices: tuple[str, ...]
    default: object
    doc: Doc

    @property
    def path(self) -> str:
        """`section.key`."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """Name of its environment variable."""
        return f"POSTHOUSE_{self.section}_{self.name}".upper()

    @property
    def is_secret(self) -> bool:
        """Whether it is given by file or environment only."""
        return self.kind == "secret"


class Section:
    """A section of the file and the class that holds its values. TypeError where the class is not well declared."""

    __slots__ = ("keys", "name", "type")

    def __init__(self, name: str, type: type[Any]) -> None:
        if not name.isidentifier() or name != name.lower() or "_" in name:
            # An underscore would make POSTHOUSE_A_B_C ambiguous between section and key.
            raise TypeError(f"a section is named by one lower-case word, not {name!r}")
        if not dataclasses.is_dataclass(type):
            raise TypeError(f"{type.__name__} is not a dataclass")
        self.name = name
        self.type = type
        hints = typing.get_type_hints(type)
        self.keys: Mapping[str, Key] = MappingProxyType(
            {field.name: _key(name, field, hints[field.name]) for field in dataclasses.fields(type)}
        )

    @property
    def help(self) -> str:
        """The docstring of the class."""
        return (self.type.__doc__ or "").strip()


def _key(section: str, field: "dataclasses.Field[Any]", hint: Any) -> Key:
    doc = field.metadata.get(_METADATA)
    where = f"{section}.{field.name}"
    if doc is None:
        raise TypeError(f"{where} is not declared with setting() or secret()")
    if not doc.help.endswith(".") or not doc.why.endswith("."):
        raise TypeError(f"{where}: what it is and why are sentences and end in a full stop")
    optional = False
    if isinstance(hint, UnionType) or typing.get_origin(hint) is typing.Union:
        inner = [part for part in typing.get_args(hint) if part is not NoneType]
        optional = len(inner) < len(typing.get_args(hint))
        if len(inner) != 1:
            raise TypeError(f"{where}: {hint} is not a type of a setting")
        hint = inner[0]
    choices: tuple[str, ...] = ()
    kind: values.Kind | None = _KINDS.get(hint)
    if typing.get_origin(hint) is Literal:
        kind, choices = "choice", typing.get_args(hint)
    if kind is None:
        raise TypeError(f"{where}: {hint} is not a type of a setting")
    return Key(section, field.name, kind, optional, choices, field.default, doc)


_KINDS: Final[dict[Any, values.Kind]] = {
    bool: "bool",
    int: "int",
    float: "float",
    str: "str",
    Path: "path",
    Duration: "duration",
    Size: "size",
    Secret: "secret",
    tuple[str, ...]: "strings",
}


class Schema:
    """The sections known to the platform: those of all processes, so that one file serves them all."""

    __slots__ = ("sections",)

    def __init__(self, sections: Iterable[Section]) -> None:
        self.sections: Mapping[str, Section] = MappingProxyType({section.name: section for section in sections})
        variables: dict[str, str] = {}
        for key in self.all_keys():
            for variable in (key.variable, key.variable + "_FILE") if key.is_secret else (key.variable,):
                if variable in variables:
                    raise TypeError(f"{key.path} and {variables[variable]} share the variable {variable}")
                variables[variable] = key.path

    def all_keys(self) -> list[Key]:
        """Every key, in the order declared."""
        return [key for section in self.sections.values() for key in section.keys.values()]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value came from: `file` with `path:line`, `environment` with the variable, `flag` with the option."""

    origin: Origin
    where: str = ""

    def __str__(self) -> str:
        return f"{self.origin} {self.where}".rstrip()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, for a person to read; `key` is `section.key` where known."""

    text: str
    key: str = ""
    source: Source | None = None

    def __str__(self) -> str:
        return f"{self.source.where}: {self.text}" if self.source is not None and self.source.where else self.text


class SettingsError(Exception):
    """The settings cannot be used; `problems` has every reason, not just the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Settings:
    """The loaded values of every section, with the origin of each."""

    __slots__ = ("_sections", "schema", "sources")

    def __init__(self, schema: Schema, sections: Mapping[str, object], sources: Mapping[str, Source]) -> None:
        self.schema = schema
        self._sections = sections
        self.sources = sources
        """By `section.key`; keys left at their default are absent."""

    def section(self, type: type[T]) -> T:
        """The section held by that class. LookupError where it is not in the schema."""
        for value in self._sections.values():
            if isinstance(value, type):
                return value
        raise LookupError(f"{type.__name__} is not in the schema")

    def compose(self, process: type[T]) -> T:
        """The settings object of a process: a dataclass whose fields are section classes."""
        hints = typing.get_type_hints(process)
        parts = {field.name: self.section(hints[field.name]) for field in dataclasses.fields(typing.cast(Any, process))}
        return process(**parts)

    def source(self, key: Key) -> Source:
        """Where the value of a key came from."""
        return self.sources.get(key.path, Source("default"))

    def value(self, key: Key) -> object:
        """The value of a key."""
        return getattr(self._sections[key.section], key.name)
