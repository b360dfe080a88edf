"""Spam models of the store: brought there in chunks, put in use for the platform or a tenant, and taken back.

What is in use is read by the filter every few seconds; nothing here waits for that.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from dataclasses import dataclass, replace
from typing import Final

from posthouse.admin.context import AdminContext
from posthouse.admin.filter_policies import scope_of
from posthouse.model.errors import Invalid, NotFound, Unavailable
from posthouse.ports.model_store import MODEL_CHUNK, KeptModel, ModelStore, ModelUse

SLICE: Final = 8 * 1024 * 1024
"""Octets of a model in one answer."""
MOST_CHUNKS: Final = 256
"""64 MiB, as models go."""
_VERSION: Final = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class ModelRow:
    version: str
    size: int
    added: int
    """Seconds since the epoch."""
    about: str
    champion: tuple[str, ...]
    """Scopes in which it decides."""
    challenger: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UseRow:
    """What is said for one scope; empty = what is said above it, and for the platform the shipped model."""

    who: str
    champion: str
    challenger: str
    previous: str


async def chunk(context: AdminContext, *, version: str, place: int, octets: tuple[str, ...]) -> int:
    """Puts one chunk, in pieces of base64; its length."""
    store = _store(context)
    _checked(version)
    try:
        joined = b"".join([base64.b64decode(piece, validate=True) for piece in octets])
    except binascii.Error as error:
        raise Invalid("not base64", public="a chunk is not base64") from error
    if not 0 <= place < MOST_CHUNKS or not 0 < len(joined) <= MODEL_CHUNK:
        raise Invalid("no such chunk", public="models have chunks of at most 256 KiB, and at most 64 MiB in all")
    await store.put_chunk(version, place, joined)
    return len(joined)


async def keep(context: AdminContext, *, version: str, chunks: int) -> ModelRow:
    """Reads what was put as the filter will, and lists it."""
    from posthouse.spam.models.model_file import BadModelError, load  # numpy, which no other operation needs

    store = _store(context)
    octets = await store.octets(_checked(version), min(chunks, MOST_CHUNKS))
    if not octets:
        raise NotFound(f"chunks of {version}", public=f"not all chunks of {version} are there; push it again")
    try:
        model = await asyncio.to_thread(load, octets)
    except BadModelError as error:
        raise Invalid(str(error), public=f"{version} cannot be used: {error}") from error
    if model.version != version:
        raise Invalid(f"is {model.version}", public=f"these are the octets of {model.version}, not of {version}")
    train = model.card.get("train", {})
    about = f"{train.get('spam', '?')} spam, {train.get('ham', '?')} ham; threshold {model.threshold:.2f}"
    kept = KeptModel(version, octets[-32:].hex(), len(octets), chunks, context.clock.now_us(), about)
    await store.keep(kept)
    return _row(kept, dict(await store.uses()))


async def octets(context: AdminContext, *, version: str, start: int = 0) -> str:
    """At most SLICE octets of a model from `start` on, in base64; empty at its end."""
    store = _store(context)
    kept = await _there(store, version)
    whole = await store.octets(version, kept.chunks)
    if whole is None:
        raise NotFound(f"chunks of {version}", public=f"not all chunks of {version} are there; push it again")
    return base64.b64encode(whole[max(start, 0) :][:SLICE]).decode()


async def list_models(context: AdminContext) -> list[ModelRow]:
    """The newest first."""
    store = _store(context)
    uses = dict(await store.uses())
    return [_row(kept, uses) for kept in sorted(await store.models(), key=lambda kept: -kept.added_us)]


async def list_uses(context: AdminContext) -> list[UseRow]:
    return [_use_row(who, use) for who, use in sorted((await _store(context).uses()).items())]


async def promote(context: AdminContext, *, who: str, version: str) -> UseRow:
    """Makes it the champion; the one before is kept for `rollback`."""
    store, scope = _store(context), await _scope(context, who)
    await _there(store, version)
    use = (await store.uses()).get(scope, ModelUse())
    if use.champion != version:
        challenger = "" if use.challenger == version else use.challenger
        use = ModelUse(version, challenger, use.champion)
        await store.use(scope, use)
    return _use_row(scope, use)


async def challenge(context: AdminContext, *, who: str, version: str = "") -> UseRow:
    """Has it score in the shadow; without a version nobody does."""
    store, scope = _store(context), await _scope(context, who)
    if version:
        await _there(store, version)
    use = replace((await store.uses()).get(scope, ModelUse()), challenger=version)
    await store.use(scope, use)
    return _use_row(scope, use)


async def rollback(context: AdminContext, *, who: str) -> UseRow:
    """Exchanges the champion and the one before it, which may be none: then what is above the scope holds."""
    store, scope = _store(context), await _scope(context, who)
    use = (await store.uses()).get(scope, ModelUse())
    if not use.champion and not use.previous:
        raise NotFound(scope, public=f"no model was ever promoted for {who}")
    if use.previous:
        await _there(store, use.previous)
    use = ModelUse(use.previous, use.challenger, use.champion)
    await store.use(scope, use)
    return _use_row(scope, use)


async def remove(context: AdminContext, *, version: str) -> str:
    """Takes it out of the store; one that is in use stays."""
    store = _store(context)
    await _there(store, version)
    for scope, use in (await store.uses()).items():
        if version in (use.champion, use.challenger):
            raise Invalid(f"{version} is used by {scope}", public=f"{version} is in use for {scope}")
    await store.remove(version)
    return version


def _store(context: AdminContext) -> ModelStore:
    if context.models is None:
        raise Unavailable("no store of models")
    return context.models


def _checked(version: str) -> str:
    if not _VERSION.fullmatch(version):
        raise Invalid(f"version {version!r}", public=f"{version!r} is no version: those are 12 hexadecimal digits")
    return version


async def _there(store: ModelStore, version: str) -> KeptModel:
    _checked(version)
    for kept in await store.models():
        if kept.version == version:
            return kept
    raise NotFound(version, public=f"there is no model {version} in the store; `posthouse filter model push` it")


async def _scope(context: AdminContext, who: str) -> str:
    level, _, scope = await scope_of(context, who)
    if level not in ("platform", "tenant"):
        raise Invalid(who, public="models are for the platform or a tenant: say `platform` or `tenant:NAME`")
    return scope


def _row(kept: KeptModel, uses: dict[str, ModelUse]) -> ModelRow:
    return ModelRow(
        kept.version,
        kept.size,
        kept.added_us // 1_000_000,
        kept.about,
        tuple(sorted(scope for scope, use in uses.items() if use.champion == kept.version)),
        tuple(sorted(scope for scope, use in uses.items() if use.challenger == kept.version)),
    )


def _use_row(who: str, use: ModelUse) -> UseRow:
    return UseRow(who, use.champion, use.challenger, use.previous)
