"""The settings of all processes together."""

import importlib
import pkgutil

import posthouse
from posthouse.cli.schema import schema
from posthouse.runtime import sections
from posthouse.runtime.settings import Section


def declared() -> dict[str, type]:
    """Every section that a process or runtime declares."""
    modules = [sections]
    for package in pkgutil.iter_modules(posthouse.__path__):
        if package.ispkg and any(
            m.name == "settings" for m in pkgutil.iter_modules([posthouse.__path__[0] + f"/{package.name}"])
        ):
            modules.append(importlib.import_module(f"posthouse.{package.name}.settings"))
    found = [it for module in modules for it in vars(module).values() if isinstance(it, Section)]
    return {section.name: section.type for section in found}


def test_it_has_every_section_that_is_declared() -> None:
    assert {name: section.type for name, section in schema().sections.items()} == declared()
