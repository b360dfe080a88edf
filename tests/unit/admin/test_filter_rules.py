"""Rules of administrators, over embedded stores: kept, shown, taken away, and tried on kept mail."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.admin import PASSWORD, account_of, delivery_to, do, embedded_admin
from posthouse.admin.context import AdminContext
from posthouse.delivery.stored_form import prefix
from posthouse.model.change import Append, CommitRequest
from posthouse.model.errors import Invalid, NotFound
from posthouse.model.mailbox import NewEmail
from posthouse.model.verdict import ACCEPT, Verdict, VerdictKind

ANN, BEA = "ann@example.org", "bea@example.net"
MESSAGE = (
    b"Received: from mx.remote.example ([192.0.2.7])\r\n\tby here with ESMTP id 1;\r\n"
    b"\tMon, 1 Jan 2026 00:00:00 +0000\r\n"
    b"From: <sender@example.net>\r\nSubject: you have won\r\n\r\nbody\r\n"
)


def rule(name: str, where: str, test: str, more: str = "") -> str:
    return f"[[rule]]\nname = '{name}'\ndescription = 'd'\nwhere = '{where}'\n{test}\n{more}\n"


WON = rule("LOTTERY", "header:Subject", "matches = 'won'", "verdict = 'junk'")


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[AdminContext]:
    async with embedded_admin(tmp_path) as context:
        await do(context, "domain.add", name="example.org", password=PASSWORD)
        await do(context, "domain.add", name="example.net", password=PASSWORD, tenant="other")
        for address in (ANN, BEA):
            await do(context, "account.add", address=address, login=False)
        yield context


async def store(context: AdminContext, address: str, verdict: Verdict = ACCEPT, mailbox: str = "INBOX") -> None:
    """As delivery does it."""
    deliver = replace(await delivery_to(context, address), verdict=verdict)
    account = await account_of(context, address)
    before = prefix(deliver)
    email = NewEmail(
        context.ids.email_id(),
        len(before) + len(MESSAGE),
        before,
        b"",
        context.clock.now_us() // 1_000_000,
        octets=MESSAGE,
        queue_id=deliver.queue_id,
    )
    request = CommitRequest(context.ids.op_id(), (Append(mailbox, email, create=True),))
    await context.mail_store.commit(account.account_id, request)


async def trial(context: AdminContext, address: str = ANN, **more: object) -> Any:
    given: dict[str, object] = {"account": address, "who": "platform", "since_us": 0, **more}
    return await do(context, "filter.rules.trial", **given)


async def test_rules_are_set_shown_and_removed(context: AdminContext) -> None:
    for who, level, of in (("platform", "platform", ""), ("tenant:other", "tenant", "other"), ("example.org",) * 3):
        level = "domain" if level == "example.org" else level
        await do(context, "filter.rules.set", who=who, rules=WON)
        assert await do(context, "filter.rules.show", who=who) == {"level": level, "of": of, "text": WON}
        assert (await do(context, "filter.rules.remove", who=who))["text"] == WON
        assert (await do(context, "filter.rules.show", who=who))["text"] == ""
        with pytest.raises(NotFound):
            await do(context, "filter.rules.remove", who=who)


async def test_what_cannot_be_compiled_is_not_stored(context: AdminContext) -> None:
    await do(context, "filter.rules.set", who="platform", rules=WON)
    with pytest.raises(Invalid, match="missing"):
        await do(context, "filter.rules.set", who="platform", rules=rule("AA", "body", "matches = '(a'"))
    with pytest.raises(Invalid):
        await do(context, "filter.rules.set", who=ANN, rules=WON)
    assert (await do(context, "filter.rules.show", who="platform"))["text"] == WON


async def test_who_a_level_reaches(context: AdminContext) -> None:
    for who, reached in (("example.org", {ANN}), ("tenant:other", {BEA}), ("platform", {ANN, BEA})):
        addresses = set((await do(context, "filter.rules.accounts", who=who))["addresses"])
        assert {address for address in addresses if not address.startswith("postmaster")} == reached


async def test_a_trial_shows_what_would_have_changed_and_changes_nothing(context: AdminContext) -> None:
    await store(context, ANN)
    found = await trial(context, rules=WON)
    [row] = found["changed"]
    assert (row["was"], row["would_be"], row["rules"], row["mailbox"]) == ("accept", "junk", ["LOTTERY"], "INBOX")
    assert (found["read"], found["more"], found["symbols"]) == (1, False, {"LOTTERY": 1})
    assert (await do(context, "filter.rules.show", who="platform"))["text"] == ""
    assert (await trial(context))["changed"] == []


async def test_a_trial_sees_the_envelope(context: AdminContext) -> None:
    await store(context, ANN)
    text = "".join(
        (
            rule("IP", "client-ip", "is = '192.0.2.0/24'"),
            rule("HELO", "helo", "is = 'mx.remote.example'"),
            rule("FROM", "reverse-path", "is = 'sender@example.net'"),
            rule("RCPT", "rcpt", f"is = '{ANN}'"),
            rule("LOGIN", "login", "present = true"),
        )
    )
    assert set((await trial(context, rules=text))["symbols"]) == {"IP", "HELO", "FROM", "RCPT"}


async def test_rules_of_other_levels_stay_and_those_of_the_level_are_replaced(context: AdminContext) -> None:
    await store(context, ANN)
    await do(context, "filter.rules.set", who="example.org", rules=WON.replace("LOTTERY", "OLD"))
    await do(context, "filter.rules.set", who="platform", rules=rule("ALL", "body", "matches = 'body'"))
    assert set((await trial(context))["symbols"]) == {"OLD", "ALL"}
    assert set((await trial(context, who="example.org", rules=WON))["symbols"]) == {"LOTTERY", "ALL"}


async def test_scores_of_then_without_the_rules_of_then_are_the_base(context: AdminContext) -> None:
    was = Verdict(VerdictKind.JUNK, 3.5, ("rule:OLD+3.0", "body+0.5"))
    await store(context, ANN, was, "INBOX")
    # The score alone is 0.5, below the threshold of 2.
    [row] = (await trial(context, threshold=2.0))["changed"]
    assert (row["was"], row["would_be"], row["score"], row["new_score"]) == ("junk", "accept", 3.5, 0.5)
    other = rule("NEW", "body", "matches = 'body'", "score = 4.0")
    assert (await trial(context, threshold=2.0, rules=other))["changed"] == []


async def test_what_lists_and_authentication_decided_stays(context: AdminContext) -> None:
    await store(context, ANN, Verdict(VerdictKind.ACCEPT, 0.0, ("allowed-by-account",)))
    await store(context, ANN, Verdict(VerdictKind.JUNK, 0.0, ("dmarc-quarantine",)))
    found = await trial(context, rules=WON)
    assert (found["read"], found["changed"]) == (2, [])
    assert (await trial(context))["changed"] == []


async def test_a_trial_is_bounded_in_time_and_number(context: AdminContext) -> None:
    for _ in range(3):
        await store(context, ANN)
    found = await trial(context, rules=WON, most=2)
    assert (found["read"], found["more"]) == (2, True)
    assert (await trial(context, rules=WON, since_us=context.clock.now_us() + 10_000_000))["read"] == 0
