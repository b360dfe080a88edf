"""`posthouse completion`: the scripts; that bash can use them: tests/integration/cli."""

import pytest
from click.testing import CliRunner

from posthouse.cli.root import root


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_that_asks_posthouse(shell: str) -> None:
    result = CliRunner().invoke(root, ["completion", shell])
    assert result.exit_code == 0
    assert f"_POSTHOUSE_COMPLETE={shell}_complete" in result.output


def test_other_shells_are_refused() -> None:
    assert CliRunner().invoke(root, ["completion", "csh"]).exit_code == 2
