"""The model that comes with Posthouse, for the time before a site has its own: `make model` makes it."""

from pathlib import Path
from typing import Final

COLD_START: Final = Path(__file__).parent / "cold_start.model"
