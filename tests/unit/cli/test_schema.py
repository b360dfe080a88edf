"""The settings of all processes together."""

from posthouse.cli.platform import PLATFORM
from posthouse.cli.schema import schema


def test_it_is_what_the_whole_platform_reads() -> None:
    assert set(schema().sections) == set(PLATFORM.sections)
    assert {section.type for section in schema().sections.values()} == {s.type for s in PLATFORM.sections.values()}
