"""Models of the store, over embedded stores."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from harness.admin import PASSWORD, do, embedded_admin
from harness.model_stores import model_octets
from posthouse.admin import spam_models
from posthouse.admin.context import AdminContext
from posthouse.model.errors import Invalid, NotFound
from posthouse.ports.model_store import MODEL_CHUNK
from posthouse.spam.models.model_file import version_of


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[AdminContext]:
    async with embedded_admin(tmp_path) as context:
        await do(context, "domain.add", name="example.org", password=PASSWORD)
        yield context


async def push(context: AdminContext, octets: bytes, version: str = "") -> Any:
    version = version or version_of(octets)
    chunks = [octets[at : at + MODEL_CHUNK] for at in range(0, len(octets), MODEL_CHUNK)]
    for place, chunk in enumerate(chunks):
        half = len(chunk) // 2
        pieces = [base64.b64encode(part).decode() for part in (chunk[:half], chunk[half:])]
        await do(context, "filter.model.chunk", version=version, place=place, octets=pieces)
    return await do(context, "filter.model.keep", version=version, chunks=len(chunks))


async def test_a_model_is_put_in_use_and_taken_back(context: AdminContext) -> None:
    one = (await push(context, model_octets(1.0)))["version"]
    two = (await push(context, model_octets(2.0)))["version"]
    first = await do(context, "filter.model.promote", who="platform", version=one)
    assert first == {"who": "platform", "champion": one, "challenger": "", "previous": ""}
    await do(context, "filter.model.challenge", who="platform", version=two)
    second = await do(context, "filter.model.promote", who="platform", version=two)
    assert second == {"who": "platform", "champion": two, "challenger": "", "previous": one}
    assert await do(context, "filter.model.promote", who="platform", version=two) == second
    back = await do(context, "filter.model.rollback", who="platform")
    assert (back["champion"], back["previous"]) == (one, two)
    own = await do(context, "filter.model.promote", who="tenant:default", version=two)
    assert await do(context, "filter.model.uses") == [back, own]
    rows = {row["version"]: row for row in await do(context, "filter.model.list")}
    assert rows[one]["champion"] == ["platform"]
    assert rows[two]["champion"] == ["tenant:default"]
    assert rows[one]["about"] == "120 spam, 120 ham; threshold 1.00"
    assert (await do(context, "filter.model.rollback", who="tenant:default"))["champion"] == ""


async def test_nobody_challenges_any_more(context: AdminContext) -> None:
    one = (await push(context, model_octets(1.0)))["version"]
    assert (await do(context, "filter.model.challenge", who="platform", version=one))["challenger"] == one
    assert (await do(context, "filter.model.challenge", who="platform"))["challenger"] == ""


async def test_what_is_no_model_is_not_listed(context: AdminContext) -> None:
    octets = model_octets(1.0)
    damaged = octets[:-40] + bytes([octets[-40] ^ 1]) + octets[-39:]
    with pytest.raises(Invalid, match="damaged"):
        await push(context, damaged)
    with pytest.raises(Invalid, match="is "):
        await push(context, octets, "0123456789ab")
    with pytest.raises(NotFound, match="chunks"):
        await do(context, "filter.model.keep", version="aaaaaaaaaaaa", chunks=2)
    with pytest.raises(NotFound, match="chunks"):
        await do(context, "filter.model.keep", version="aaaaaaaaaaaa", chunks=0)
    assert await do(context, "filter.model.list") == []
    with pytest.raises(NotFound):
        await do(context, "filter.model.promote", who="platform", version=version_of(octets))


@pytest.mark.parametrize(
    ("version", "place", "octets"),
    [
        ("../etc", 0, ["YQ=="]),
        ("0123456789ab", 256, ["YQ=="]),
        ("0123456789ab", -1, ["YQ=="]),
        ("0123456789ab", 0, []),
        ("0123456789ab", 0, ["%"]),
        ("0123456789ab", 0, ["AAAA" * 16_000] * 6),
    ],
)
async def test_chunks_have_bounds(context: AdminContext, version: str, place: int, octets: list[str]) -> None:
    with pytest.raises(Invalid):
        await do(context, "filter.model.chunk", version=version, place=place, octets=octets)


async def test_models_are_for_the_platform_or_a_tenant(context: AdminContext) -> None:
    one = (await push(context, model_octets(1.0)))["version"]
    for who, error in (("example.org", Invalid), ("tenant:nobody", NotFound)):
        with pytest.raises(error):
            await do(context, "filter.model.promote", who=who, version=one)
    with pytest.raises(NotFound, match="platform"):
        await do(context, "filter.model.rollback", who="platform")


async def test_what_is_in_use_stays_in_the_store(context: AdminContext) -> None:
    one = (await push(context, model_octets(1.0)))["version"]
    await do(context, "filter.model.challenge", who="platform", version=one)
    with pytest.raises(Invalid, match="used"):
        await do(context, "filter.model.remove", version=one)
    await do(context, "filter.model.challenge", who="platform")
    await do(context, "filter.model.remove", version=one)
    assert await do(context, "filter.model.list") == []


async def test_octets_come_in_slices(context: AdminContext, monkeypatch: pytest.MonkeyPatch) -> None:
    octets = model_octets(1.0)
    one = (await push(context, octets))["version"]
    monkeypatch.setattr(spam_models, "SLICE", 10_000)
    slices = [await do(context, "filter.model.octets", version=one, start=at) for at in range(0, len(octets), 10_000)]
    assert b"".join([base64.b64decode(each) for each in slices]) == octets
    assert await do(context, "filter.model.octets", version=one, start=len(octets)) == ""
