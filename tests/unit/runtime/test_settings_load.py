"""Files, environment, flags: precedence, refusals, secrets."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.runtime.settings import (
    Duration,
    Schema,
    Secret,
    Section,
    Settings,
    Size,
    secret,
    setting,
)
from posthouse.runtime.settings_load import MAX_SECRET, check, load


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample."""

    port: int = setting(25, "Port.", why="Because.", least=0, most=65535)
    wait: Duration = setting(Duration(30), "Wait.", why="Because.", least=1)
    limit: Size = setting(Size(1024), "Limit.", why="Because.", most=4096)
    name: str | None = setting(None, "Name.", why="Because.")
    mode: Literal["fast", "safe"] = setting("fast", "Mode.", why="Because.")
    hosts: tuple[str, ...] = setting(("x",), "Hosts.", why="Because.")
    password: Secret | None = secret("Password.", why="Because.")

    def problems(self) -> Iterator[str]:
        """Hosts have no spaces."""
        if any(" " in host for host in self.hosts):
            yield "hosts have no spaces"


@dataclass(frozen=True, slots=True)
class Other:
    """Another."""

    bucket: str = setting("b", "Bucket.", why="Because.")


SCHEMA = Schema((Section("sample", Sample), Section("other", Other)))


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "posthouse.toml"
    path.write_text(text)
    return path


def problems(path: Path | None = None, environ: dict[str, str] | None = None, *overrides: str) -> list[str]:
    return [str(problem) for problem in check(SCHEMA, path, environ, overrides)]


def sources(settings: Settings) -> dict[str, str]:
    return {path: str(source) for path, source in settings.sources.items()}


def test_flags_win_over_environment_over_file_over_default(tmp_path: Path) -> None:
    path = written(tmp_path, '[sample]\nport = 1\nwait = "1m"\nlimit = "2KiB"\n')
    environ = {"POSTHOUSE_SAMPLE_PORT": "2", "POSTHOUSE_SAMPLE_WAIT": "2m", "HOME": "/"}
    settings = load(SCHEMA, path, environ, ["sample.port=3"])
    sample = settings.section(Sample)
    assert (sample.port, sample.wait, sample.limit, sample.mode) == (3, 120.0, 2048, "fast")
    assert sources(settings) == {
        "sample.port": "flag --set sample.port",
        "sample.wait": "environment POSTHOUSE_SAMPLE_WAIT",
        "sample.limit": f"file {path}:4",
    }


def test_unknown_names_are_refused_with_place_and_nearest_name(tmp_path: Path) -> None:
    path = written(tmp_path, '# comment\n[sampel]\nport = 1\n\n[sample]\nmode = "safe"\nprot = 2\n')
    assert problems(path, {"POSTHOUSE_SAMPLE_HOST": "a"}, "sample.moed=x", "othr.bucket=x") == [
        f'{path}:2: unknown section [sampel]; did you mean "sample"?',
        f'{path}:7: unknown key "prot" in [sample]; did you mean "port"?',
        'POSTHOUSE_SAMPLE_HOST: unknown variable; did you mean "POSTHOUSE_SAMPLE_HOSTS"?',
        '--set sample.moed: unknown key; did you mean "mode"?',
        '--set othr.bucket: unknown section [othr]; did you mean "other"?',
    ]


def test_a_key_in_the_wrong_section_is_told_its_own(tmp_path: Path) -> None:
    path = written(tmp_path, 'bucket = "x"\n[sample]\nbucket = "x"\n')
    assert problems(path) == [
        f'{path}:1: "bucket" stands outside of a section; it belongs in [other]',
        f'{path}:3: unknown key "bucket" in [sample]; it belongs in [other]',
    ]


def test_wrong_types_name_key_value_and_what_is_expected(tmp_path: Path) -> None:
    path = written(tmp_path, '[sample]\nport = "many"\nwait = "soon"\nhosts = "a"\n')
    assert problems(path, {}, "sample.mode=fats", "sample.limit=1MiB", "sample.port=65536", "sample.wait=0s") == [
        f"{path}:2: sample.port is 'many', expected a whole number",
        f'{path}:3: sample.wait is \'soon\', expected a duration such as "30s", "5m", "1h" or a number of seconds',
        f"{path}:4: sample.hosts is 'a', expected a list of texts",
        "--set sample.mode: sample.mode is 'fats', expected one of fast, safe; did you mean \"fast\"?",
        "--set sample.limit: sample.limit is 1048576, expected at most 4096",
        "--set sample.port: sample.port is 65536, expected between 0 and 65535",
        "--set sample.wait: sample.wait is 0.0, expected at least 1",
    ]


def test_secrets_come_from_files_or_the_environment(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("s3cret\n")
    by_file = load(SCHEMA, written(tmp_path, f'[sample]\npassword_file = "{tmp_path}/pw"\n'))
    by_env = load(SCHEMA, None, {"POSTHOUSE_SAMPLE_PASSWORD": "s3cret"})
    by_env_file = load(SCHEMA, None, {"POSTHOUSE_SAMPLE_PASSWORD_FILE": f"{tmp_path}/pw"})
    by_flag_file = load(SCHEMA, overrides=[f"sample.password_file={tmp_path}/pw"])
    for settings in (by_file, by_env, by_env_file, by_flag_file):
        assert settings.section(Sample).password == Secret("s3cret")
        assert "s3cret" not in repr(settings.section(Sample))


def test_secrets_are_refused_in_the_file_and_on_the_command_line(tmp_path: Path) -> None:
    path = written(tmp_path, '[sample]\npassword = "s3cret"\n')
    found = problems(path, {}, "sample.password=s3cret")
    assert len(found) == 2
    assert all("sample.password_file" in text and "POSTHOUSE_SAMPLE_PASSWORD" in text for text in found)
    assert not any("s3cret" in text for text in found)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"x" * (MAX_SECRET + 1)])
def test_an_unusable_secret_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pw").write_bytes(content)
    [text] = problems(None, {"POSTHOUSE_SAMPLE_PASSWORD_FILE": str(tmp_path / "pw")})
    assert "POSTHOUSE_SAMPLE_PASSWORD_FILE: sample.password" in text


def test_a_missing_secret_file_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, f'[sample]\npassword_file = "{tmp_path}/none"\n')
    assert problems(path) == [
        f"{path}:2: sample.password: the file {tmp_path}/none cannot be read: No such file or directory"
    ]


def test_variables_of_kubernetes_services_are_nobodys_setting() -> None:
    environ = {
        "POSTHOUSE_SAMPLE_PORT": "tcp://10.0.0.1:25",
        "POSTHOUSE_SAMPLE_SERVICE_HOST": "10.0.0.1",
        "POSTHOUSE_SAMPLE_SERVICE_PORT": "25",
        "POSTHOUSE_SAMPLE_SERVICE_PORT_SMTP": "25",
        "POSTHOUSE_SAMPLE_PORT_25_TCP": "tcp://10.0.0.1:25",
        "POSTHOUSE_SAMPLE_PORT_25_TCP_ADDR": "10.0.0.1",
        "POSTHOUSE_CONFIG": "/etc/posthouse.toml",
    }
    assert load(SCHEMA, None, environ).section(Sample).port == 25


def test_an_empty_variable_unsets_what_is_optional() -> None:
    settings = load(SCHEMA, None, {"POSTHOUSE_SAMPLE_NAME": "x"}, ["sample.name="])
    assert settings.section(Sample).name is None
    assert problems(None, {"POSTHOUSE_SAMPLE_PORT": ""}) == [
        "POSTHOUSE_SAMPLE_PORT: sample.port is '', expected a whole number"
    ]


def test_sections_check_their_fields_together() -> None:
    assert problems(None, {}, "sample.hosts=a b") == ["[sample] hosts have no spaces"]


def test_checks_of_sections_wait_for_valid_values() -> None:
    assert len(problems(None, {}, "sample.hosts=a b", "sample.port=x")) == 1


@pytest.mark.parametrize("flag", ["sample.port", "port=1", "=", "sample=1"])
def test_a_malformed_flag(flag: str) -> None:
    [text] = problems(None, None, flag)
    assert "is written --set section.key=value" in text


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"[sample\n", "is not TOML"), (b"\xff", "is not UTF-8"), (b"#" * (1 << 20) + b"#", "larger than")],
)
def test_an_unreadable_file(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    [text] = problems(path)
    assert text.startswith(f"{path}: ")
    assert expected in text


def test_a_missing_file(tmp_path: Path) -> None:
    assert problems(tmp_path / "none") == [f"{tmp_path}/none: cannot be read: No such file or directory"]


@given(st.text(max_size=60))
def test_any_text_loads_or_is_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("any") / "x.toml"
    path.write_bytes(("[sample]\nport = 1\n" + text).encode("utf-8", "surrogatepass"))
    assert all(str(problem) for problem in check(SCHEMA, path, {}, [text]))
