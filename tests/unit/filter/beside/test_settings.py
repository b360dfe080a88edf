"""The section [milter]."""

import pytest

from posthouse.filter.beside.settings import MilterSettings
from posthouse.model.filter_policy import FilterPolicy


def test_they_are_a_policy() -> None:
    settings = MilterSettings(reject=9.0, block=("Bad.example",), domains=("Ours.example", "b\u00fccher.example"))
    assert settings.policy() == FilterPolicy(reject=9.0, dmarc="follow", block=("bad.example",))
    assert settings.own_domains() == {"ours.example", "xn--bcher-kva.example"}
    assert list(settings.problems()) == []


@pytest.mark.parametrize(
    "settings",
    [MilterSettings(quarantine=9.0, reject=8.0), MilterSettings(allow=("a b",)), MilterSettings(domains=("a b",))],
)
def test_what_is_wrong_is_told(settings: MilterSettings) -> None:
    [problem] = settings.problems()
    assert problem
