"""Filter policies, over embedded stores."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.admin import PASSWORD, do, embedded_admin
from posthouse.admin.context import AdminContext
from posthouse.model.errors import Invalid, NotFound

ANN = "ann@example.org"


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[AdminContext]:
    async with embedded_admin(tmp_path) as context:
        await do(context, "domain.add", name="example.org", password=PASSWORD)
        await do(context, "account.add", address=ANN, login=False)
        yield context


async def test_the_nearest_level_is_shown_with_who_said_it(context: AdminContext) -> None:
    await do(context, "filter.policy.set", who="platform", junk=3.0, dmarc="follow")
    await do(context, "filter.policy.set", who="tenant:default", junk=2.0)
    await do(context, "filter.policy.set", who=ANN, quarantine=7.5)
    shown = await do(context, "filter.policy.show", address=ANN)
    assert [(row["field"], row["value"], row["said_by"]) for row in shown["holds"]] == [
        ("junk", "2.0", "tenant"),
        ("quarantine", "7.5", "account"),
        ("reject", "never", "built in"),
        ("dmarc", "follow", "platform"),
        ("digest", "off", "built in"),
        ("caution", "off", "built in"),
    ]
    assert [(row["level"], row["of"]) for row in shown["levels"]] == [
        ("platform", ""),
        ("tenant", "default"),
        ("account", ANN),
    ]


async def test_setting_leaves_the_rest_alone_and_unset_gives_it_back(context: AdminContext) -> None:
    await do(context, "filter.policy.block", who="example.org", entries=["Spam.Example"])
    await do(context, "filter.policy.set", who="example.org", junk=1.0, quarantine=4.0)
    row = await do(context, "filter.policy.set", who="example.org", reject=9.0, unset=["quarantine"])
    assert (row["junk"], row["quarantine"], row["reject"], row["block"]) == (1.0, None, 9.0, ["spam.example"])


async def test_an_entry_stands_on_one_list(context: AdminContext) -> None:
    await do(context, "filter.policy.block", who=ANN, entries=["a.example", "b.example"])
    row = await do(context, "filter.policy.allow", who=ANN, entries=["a.example", "a.example"])
    assert (row["allow"], row["block"]) == (["a.example"], ["b.example"])
    row = await do(context, "filter.policy.allow", who=ANN, entries=["a.example"], remove=True)
    assert (row["allow"], row["block"]) == ([], ["b.example"])
    with pytest.raises(NotFound, match=r"a\.example"):
        await do(context, "filter.policy.allow", who=ANN, entries=["a.example"], remove=True)


async def test_forwarders_and_lists_are_trusted_by_name(context: AdminContext) -> None:
    row = await do(context, "filter.policy.trust", who="platform", domains=["Fwd.Example"])
    assert (row["arc_sealers"], row["known_lists"]) == (["fwd.example"], [])
    row = await do(context, "filter.policy.trust", who="platform", domains=["lists.example"], kind="list")
    assert (row["arc_sealers"], row["known_lists"]) == (["fwd.example"], ["lists.example"])
    row = await do(context, "filter.policy.trust", who="platform", domains=["fwd.example"], remove=True)
    assert (row["arc_sealers"], row["known_lists"]) == ([], ["lists.example"])
    with pytest.raises(NotFound, match=r"fwd\.example"):
        await do(context, "filter.policy.trust", who="platform", domains=["fwd.example"], remove=True)
    with pytest.raises(Invalid):
        await do(context, "filter.policy.trust", who="platform", domains=["fwd.example"], kind="friend")


async def test_the_list_names_accounts_by_address(context: AdminContext) -> None:
    assert await do(context, "filter.policy.list") == []
    await do(context, "filter.policy.set", who=ANN, junk=1.0)
    await do(context, "filter.policy.set", who="example.org", junk=2.0)
    rows = await do(context, "filter.policy.list")
    assert [(row["level"], row["of"], row["junk"]) for row in rows] == [
        ("account", ANN, 1.0),
        ("domain", "example.org", 2.0),
    ]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"who": "example.net", "junk": 1.0}, NotFound),
        ({"who": "tenant:nobody", "junk": 1.0}, NotFound),
        ({"who": "bob@example.org", "junk": 1.0}, NotFound),
        ({"who": "example.org", "dmarc": "maim"}, Invalid),
        ({"who": "example.org", "junk": 5.0, "reject": 1.0}, Invalid),
        ({"who": "example.org", "unset": ["allow"]}, Invalid),
    ],
)
async def test_what_makes_no_sense_changes_nothing(
    context: AdminContext, arguments: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await do(context, "filter.policy.set", **arguments)
    assert await do(context, "filter.policy.list") == []


async def test_switches_are_set_and_taken_back(context: AdminContext) -> None:
    await do(context, "filter.policy.set", who="tenant:default", digest=True, caution=True)
    row = await do(context, "filter.policy.set", who=ANN, digest=False)
    assert (row["digest"], row["caution"]) == (False, None)
    shown = {row["field"]: row for row in (await do(context, "filter.policy.show", address=ANN))["holds"]}
    assert (shown["digest"]["value"], shown["digest"]["said_by"]) == ("off", "account")
    assert (shown["caution"]["value"], shown["caution"]["said_by"]) == ("on", "tenant")
    row = await do(context, "filter.policy.set", who=ANN, unset=["digest"])
    assert row["digest"] is None
