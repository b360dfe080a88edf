"""How settings are declared."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from posthouse.runtime.settings import (
    Duration,
    Schema,
    Secret,
    Section,
    SettingsError,
    Size,
    secret,
    setting,
)
from posthouse.runtime.settings_load import load


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample."""

    port: int = setting(25, "Port.", why="Because.", least=0, most=65535)
    wait: Duration = setting(Duration(30), "Wait.", why="Because.")
    limit: Size = setting(Size(1024), "Limit.", why="Because.")
    name: str | None = setting(None, "Name.", why="Because.")
    mode: Literal["a", "b"] = setting("a", "Mode.", why="Because.")
    hosts: tuple[str, ...] = setting(("x",), "Hosts.", why="Because.")
    path: Path | None = setting(None, "Path.", why="Because.")
    token: Secret | None = secret("Token.", why="Because.")


@dataclass(frozen=True, slots=True)
class Other:
    """Another."""

    on: bool = setting(False, "On.", why="Because.")


@dataclass(frozen=True, slots=True)
class Process:
    """What a process reads."""

    sample: Sample
    other: Other


SCHEMA = Schema((Section("sample", Sample), Section("other", Other)))


def test_a_section_knows_its_keys() -> None:
    keys = SCHEMA.sections["sample"].keys
    assert keys["port"].variable == "POSTHOUSE_SAMPLE_PORT"
    assert keys["wait"].kind == "duration"
    assert keys["name"].optional
    assert not keys["port"].optional
    assert keys["mode"].choices == ("a", "b")
    assert keys["token"].is_secret
    assert [key.path for key in SCHEMA.all_keys()][-1] == "other.on"


def test_defaults_are_the_declared_ones() -> None:
    assert load(SCHEMA).section(Sample) == Sample()
    assert Sample().port == 25


def test_a_process_composes_its_sections() -> None:
    process = load(SCHEMA, overrides=["other.on=true"]).compose(Process)
    assert process == Process(Sample(), Other(on=True))


def test_a_section_that_is_not_in_the_schema() -> None:
    with pytest.raises(LookupError, match="Other is not in the schema"):
        load(Schema((Section("sample", Sample),))).section(Other)


def test_secrets_do_not_show() -> None:
    hidden = Secret("hunter2")
    assert "hunter2" not in f"{hidden} {hidden!r} {[hidden]}"
    assert hidden.reveal() == "hunter2"
    assert hidden == Secret("hunter2")
    assert hidden != Secret("hunter3")
    with pytest.raises(TypeError):
        hash(hidden)


@dataclass(frozen=True, slots=True)
class Undeclared:
    """A plain default has no reason."""

    port: int = 25


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A set is no setting."""

    things: frozenset[str] = setting(frozenset(), "Things.", why="Because.")


@dataclass(frozen=True, slots=True)
class TwoTypes:
    """A union is ambiguous."""

    port: int | str = setting(25, "Port.", why="Because.")


@dataclass(frozen=True, slots=True)
class NoSentence:
    """Prose is checked."""

    port: int = setting(25, "Port", why="Because.")


@pytest.mark.parametrize("broken", [Undeclared, Unsupported, TwoTypes, NoSentence, int])
def test_a_badly_declared_section_is_refused_at_once(broken: type) -> None:
    with pytest.raises(TypeError):
        Section("broken", broken)


@pytest.mark.parametrize("name", ["two_words", "Upper", "a-b", ""])
def test_a_section_name_is_one_word(name: str) -> None:
    with pytest.raises(TypeError):
        Section(name, Sample)


def test_two_keys_may_not_share_a_variable() -> None:
    @dataclass(frozen=True, slots=True)
    class Clash:
        """token_file is what the secret `token` already means."""

        token: Secret | None = secret("Token.", why="Because.")
        token_file: str = setting("", "Clash.", why="Because.")

    with pytest.raises(TypeError, match="share the variable"):
        Schema((Section("clash", Clash),))


def test_a_field_with_plain_dataclass_field_is_refused() -> None:
    @dataclass(frozen=True, slots=True)
    class Plain:
        """No setting()."""

        port: int = field(default=1)

    with pytest.raises(TypeError, match=r"plain\.port is not declared"):
        Section("plain", Plain)


def test_the_error_lists_every_problem() -> None:
    with pytest.raises(SettingsError) as caught:
        load(SCHEMA, overrides=["sample.port=x", "other.on=maybe"])
    assert len(caught.value.problems) == 2
    assert str(caught.value).count("\n") == 1
