"""A store of spam models in memory, and models made to be told apart."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.spam_mail import small_model
from posthouse.ports.model_store import MODEL_CHUNK, KeptModel, ModelStore, ModelUse
from posthouse.spam.models.model_file import dump, version_of


class MemoryModelStore:
    """ports.model_store.ModelStore."""

    def __init__(self) -> None:
        self.chunks: dict[tuple[str, int], bytes] = {}
        self.kept: dict[str, KeptModel] = {}
        self.said: dict[str, ModelUse] = {}

    async def put_chunk(self, version: str, place: int, octets: bytes) -> None:
        self.chunks[version, place] = octets

    async def keep(self, model: KeptModel) -> None:
        self.kept[model.version] = model

    async def models(self) -> Sequence[KeptModel]:
        return list(self.kept.values())

    async def octets(self, version: str, chunks: int) -> bytes | None:
        found = [self.chunks.get((version, place)) for place in range(chunks)]
        return None if None in found else b"".join([each for each in found if each is not None])

    async def remove(self, version: str) -> None:
        self.kept.pop(version, None)
        self.chunks = {key: octets for key, octets in self.chunks.items() if key[0] != version}

    async def uses(self) -> Mapping[str, ModelUse]:
        return dict(self.said)

    async def use(self, scope: str, use: ModelUse) -> None:
        self.said[scope] = use


def model_octets(threshold: float) -> bytes:
    """The small model with another threshold: another version."""
    return dump(replace(small_model(), threshold=threshold))


async def put_model(store: ModelStore, octets: bytes, added_us: int = 1) -> str:
    """Puts and keeps it; its version."""
    version = version_of(octets)
    chunks = [octets[at : at + MODEL_CHUNK] for at in range(0, len(octets), MODEL_CHUNK)]
    for place, chunk in enumerate(chunks):
        await store.put_chunk(version, place, chunk)
    await store.keep(KeptModel(version, octets[-32:].hex(), len(octets), len(chunks), added_us, "small"))
    return version
