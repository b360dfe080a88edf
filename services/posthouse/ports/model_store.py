"""Spam models, by version, and which of them is in use for whom: as chunks of octets and one row for each scope.

A scope is `platform` or `tenant:NAME`. The store checks nothing: who reads a model compares its checksum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

MODEL_CHUNK: Final = 256 * 1024
"""Octets of a chunk, at most."""


@dataclass(frozen=True, slots=True)
class KeptModel:
    version: str
    """The start of the checksum."""
    checksum: str
    """SHA-256 that the octets end with, in hexadecimal."""
    size: int
    chunks: int
    added_us: int
    about: str
    """What it was made of, in a line."""


@dataclass(frozen=True, slots=True)
class ModelUse:
    """Versions in use for one scope; empty = none."""

    champion: str = ""
    """Decides."""
    challenger: str = ""
    """Scores in the shadow."""
    previous: str = ""
    """The champion before."""


class ModelStore(Protocol):
    async def put_chunk(self, version: str, place: int, octets: bytes) -> None:
        """At most MODEL_CHUNK octets; puts the same place anew. A model is there once `keep` was called."""
        ...

    async def keep(self, model: KeptModel) -> None:
        """All its chunks are there. Keeping the same again changes nothing but its row."""
        ...

    async def models(self) -> Sequence[KeptModel]:
        """In no order."""
        ...

    async def octets(self, version: str, chunks: int) -> bytes | None:
        """So many chunks, joined; None where one is missing."""
        ...

    async def remove(self, version: str) -> None:
        """With its chunks."""
        ...

    async def uses(self) -> Mapping[str, ModelUse]:
        """By scope."""
        ...

    async def use(self, scope: str, use: ModelUse) -> None:
        """Takes the place of what was said of the scope."""
        ...
