"""The settings of all processes together."""

import importlib
import pkgutil

import posthouse
from posthouse.cli.schema import schema
from posthouse.runtime.settings import Section


def declared() -> dict[str, type]:
    """Every section that a module of settings or sections declares."""
    found: dict[str, type] = {}
    for module in pkgutil.walk_packages(posthouse.__path__, "posthouse."):
        if module.name.endswith(("settings", "sections")) and not module.ispkg:
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, Section):
                    found[value.name] = value.type
    return found


def test_it_has_every_section_that_is_declared() -> None:
    assert {name: section.type for name, section in schema().sections.items()} == declared()
