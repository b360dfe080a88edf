import argparse
from collections.abc import Callable

import pytest

import e2e
import imap
import smtp
from scenarios import SCENARIOS, Scenario

PARSERS: dict[str, Callable[[], argparse.ArgumentParser]] = {
    "smtp.py": smtp.parser,
    "imap.py": imap.parser,
    "e2e.py": e2e.parser,
}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.key)
def test_its_tool_takes_its_arguments(scenario: Scenario) -> None:
    for arguments in (scenario.arguments, scenario.quick, scenario.fill, scenario.quick_fill):
        PARSERS[scenario.tool]().parse_args(["--ready", "x", *arguments])


def test_keys_are_unique() -> None:
    assert len({scenario.key for scenario in SCENARIOS}) == len(SCENARIOS)
