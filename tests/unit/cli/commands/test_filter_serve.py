"""`posthouse filter serve`: what it refuses before it starts."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from posthouse.cli.root import root


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "say --milter, --http or both"),
        (["--milter", "127.0.0.1"], "'127.0.0.1' is no HOST:PORT"),
        (["--milter", "127.0.0.1:99999"], "is no HOST:PORT"),
        (["--milter", "unix:milter.sock"], "unix: wants a whole path"),
        (["--http", ":80"], "is no HOST:PORT"),
        (["--http", "127.0.0.1:0", "--set", "lifecycle.workers=2", "--set", "http.port=1"], "filter.scorers"),
        (["--http", "127.0.0.1:0", "--set", "milter.allow=a b"], "[milter]"),
        (["--http", "127.0.0.1:0", "--set", "milter.reject=much"], "a number"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], told: str) -> None:
    result = CliRunner().invoke(root, ["filter", "serve", *arguments])
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_file_of_the_platform_does_for_it_too(tmp_path: Path) -> None:
    """Sections of the other processes are left alone, unknown ones are not."""
    config = tmp_path / "all.toml"
    config.write_text('[imap]\nhost = "127.0.0.1"\n[mlter]\nreject = 9.0\n')
    result = CliRunner().invoke(root, ["filter", "serve", "--http", "127.0.0.1:0", f"--config={config}"])
    assert result.exit_code == 2
    assert 'unknown section [mlter]; did you mean "milter"?' in result.stderr
    assert "imap" not in result.stderr
