"""The step that asks the administrator's own rules."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from harness.fake_ports import FakeDirectory
from posthouse.filter import own_rules
from posthouse.filter.judge import JudgeStep
from posthouse.filter.own_rules import RulesStep
from posthouse.filter.steps import FilterContext
from posthouse.model.envelope import Accepted, BlobRef, Body, Envelope, Peer, Rcpt
from posthouse.model.errors import Unavailable
from posthouse.model.ids import BlobId, DomainName, QueueId, TenantName
from posthouse.model.verdict import VerdictKind
from posthouse.rules.compiled import CompiledRules, compile_rules
from posthouse.telemetry.metrics import Metrics

MAIL = b"Subject: you have won\r\nFrom: x@remote.example\r\n\r\nhello\r\n"


def rule(name: str, where: str, test: str, more: str = "") -> str:
    return f"[[rule]]\nname = '{name}'\ndescription = 'd'\nwhere = '{where}'\n{test}\n{more}\n"


WON = rule("LOTTERY", "header:Subject", "matches = 'won'", "verdict = 'junk'")


class Blobs:
    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.asked: list[str] = []

    async def get(self, blob: BlobRef) -> bytes:
        self.asked.append("all")
        return self.octets

    async def get_range(self, blob: BlobRef, start: int, length: int) -> bytes:
        self.asked.append(f"{start}+{length}")
        return self.octets[start : start + length]


class Bench:
    def __init__(self, octets: bytes = b"") -> None:
        self.directory = FakeDirectory()
        self.blobs = Blobs(octets)
        self.trapped: list[tuple[str, ...]] = []
        self.step = RulesStep(self.directory, self.blobs, self._trap)  # type: ignore[arg-type]
        self.judge = JudgeStep(self.directory, Metrics(), authserv_id="mx.example.org")  # type: ignore[arg-type]

    async def _trap(self, accepted: Accepted, rcpts: Sequence[Rcpt]) -> None:
        self.trapped.append(tuple(rcpt.address for rcpt in rcpts))

    def accepted(self, *names: str, body: Body | None = None) -> Accepted:
        rcpts = []
        for name in names:
            domain = name.rpartition("@")[2]
            account = self.directory.add(name, tenant=domain.partition(".")[0])
            rcpts.append(Rcpt(name, account.account_id, name, tenant=account.tenant, domain=DomainName(domain)))
        return Accepted(
            QueueId("01k9zq3v5a0000000000000001"),
            Envelope("ann@remote.example", tuple(rcpts)),
            Peer("192.0.2.7", "remote.example"),
            ((TenantName("default"), body or Body(len(MAIL), MAIL)),),
            1,
            len(rcpts),
        )

    def run(self, accepted: Accepted) -> FilterContext:
        async def both(context: FilterContext) -> None:
            assert await self.step.run(context) is None
            assert await self.judge.run(context) is None

        context = FilterContext(accepted)
        asyncio.run(both(context))
        return context


def kinds(context: FilterContext) -> list[VerdictKind]:
    return [verdict.kind for verdict in context.verdicts]


def test_without_rules_nothing_is_read_and_nothing_said() -> None:
    bench = Bench()
    body = Body(5, blob=BlobRef(BlobId(b"\0" * 41), TenantName("default"), 5))
    context = bench.run(bench.accepted("a@one.example", body=body))
    assert context.rulings == [None]
    assert bench.blobs.asked == []


def test_rules_of_all_levels_count_together() -> None:
    bench = Bench()
    bench.directory.own_rules = {
        "platform": rule("AA", "header:Subject", "matches = 'won'", "score = 2"),
        "tenant:one": rule("BB", "client-ip", "is = '192.0.2.0/24'", "score = 2"),
        "domain:one.example": rule("CC", "reverse-path", "matches = '^ann@'", "score = 1"),
    }
    context = bench.run(bench.accepted("a@one.example"))
    assert context.verdicts[0].score == 5.0
    assert set(context.verdicts[0].reasons) == {"rule:AA+2.0", "rule:BB+2.0", "rule:CC+1.0"}
    assert kinds(context) == [VerdictKind.JUNK]


def test_a_tenants_rules_touch_its_own_mail_alone() -> None:
    bench = Bench()
    bench.directory.own_rules = {"tenant:one": WON, "domain:two.example": rule("CC", "body", "matches = 'no'")}
    context = bench.run(bench.accepted("a@one.example", "b@two.example", "c@three.example"))
    assert kinds(context) == [VerdictKind.JUNK, VerdictKind.ACCEPT, VerdictKind.ACCEPT]
    assert context.verdicts[1].reasons == context.verdicts[2].reasons == ()


def test_a_tenants_rules_do_not_see_others_recipients() -> None:
    bench = Bench()
    spy = rule("SPY", "rcpt", "matches = '@two'", "verdict = 'quarantine'")
    bench.directory.own_rules = {"tenant:one": spy, "domain:one.example": spy.replace("SPY", "SPY2")}
    context = bench.run(bench.accepted("a@one.example", "b@two.example"))
    assert kinds(context) == [VerdictKind.ACCEPT, VerdictKind.ACCEPT]
    bench.directory.own_rules = {"platform": spy}
    assert kinds(bench.run(bench.accepted("a@one.example", "b@two.example"))) == [VerdictKind.QUARANTINE] * 2


def test_a_change_holds_for_the_next_message() -> None:
    bench = Bench()
    accepted = bench.accepted("a@one.example")
    assert kinds(bench.run(accepted)) == [VerdictKind.ACCEPT]
    bench.directory.own_rules["tenant:one"] = WON
    assert kinds(bench.run(accepted)) == [VerdictKind.JUNK]
    bench.directory.own_rules["tenant:one"] = WON.replace("junk", "tag")
    assert kinds(bench.run(accepted)) == [VerdictKind.TAG]
    del bench.directory.own_rules["tenant:one"]
    assert kinds(bench.run(accepted)) == [VerdictKind.ACCEPT]


def test_what_cannot_be_compiled_is_left_out_and_named() -> None:
    bench = Bench()
    bench.directory.own_rules = {"platform": rule("AA", "body", "matches = '(a'"), "tenant:one": WON}
    [verdict] = bench.run(bench.accepted("a@one.example")).verdicts
    assert verdict.kind is VerdictKind.JUNK
    assert verdict.reasons == ("rule:LOTTERY", "rules-left-out:platform")


def test_what_breaks_on_a_message_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: CompiledRules, view: object) -> None:
        raise RecursionError

    monkeypatch.setattr(CompiledRules, "evaluate", broken)
    bench = Bench()
    bench.directory.own_rules = {"domain:one.example": WON}
    [verdict] = bench.run(bench.accepted("a@one.example")).verdicts
    assert (verdict.kind, verdict.reasons) == (VerdictKind.ACCEPT, ("rules-left-out:domain",))


def test_a_trap_is_told_of_with_its_levels_recipients() -> None:
    bench = Bench()
    bench.directory.own_rules = {"tenant:one": "[spamtraps]\naddresses = ['trap@one.example']\n"}
    context = bench.run(bench.accepted("trap@one.example", "b@two.example"))
    assert bench.trapped == [("trap@one.example",)]
    assert [verdict.reasons for verdict in context.verdicts] == [("rule:SPAMTRAP",), ()]


def test_a_large_message_is_read_as_far_as_rules_need_it() -> None:
    octets = MAIL + b"x" * own_rules.MOST_OCTETS
    bench = Bench(octets)
    body = Body(len(octets), blob=BlobRef(BlobId(b"\0" * 41), TenantName("default"), len(octets)))
    accepted = bench.accepted("a@one.example", body=body)
    bench.directory.own_rules = {"tenant:one": WON}
    assert kinds(bench.run(accepted)) == [VerdictKind.JUNK]
    bench.directory.own_rules = {"tenant:one": rule("AA", "attachment-sha256", "present = true")}
    bench.run(accepted)
    bench.directory.own_rules = {"tenant:one": rule("AA", "client-ip", "present = true")}
    bench.run(accepted)
    assert bench.blobs.asked == [f"0+{own_rules.MOST_OCTETS}", "all"]


async def test_few_large_messages_are_in_memory_as_a_whole() -> None:
    octets = MAIL + b"x" * own_rules.MOST_OCTETS
    bench = Bench(octets)
    body = Body(len(octets), blob=BlobRef(BlobId(b"\0" * 41), TenantName("default"), len(octets)))
    accepted = bench.accepted("a@one.example", body=body)
    bench.directory.own_rules = {"tenant:one": rule("AA", "attachment-sha256", "present = true")}
    under_way, most = 0, 0

    async def get(blob: BlobRef) -> bytes:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(20):
            await asyncio.sleep(0)
        under_way -= 1
        return octets

    bench.blobs.get = get  # type: ignore[method-assign]
    async with asyncio.TaskGroup() as group:
        for _ in range(6):
            group.create_task(bench.step.run(FilterContext(accepted)))
    assert most == own_rules.WHOLES


def test_compiled_rules_are_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr(own_rules, "compile_rules", made.append)
    monkeypatch.setattr(own_rules, "KEPT", 3 * len(WON))
    bench = Bench()
    accepted = replace(bench.accepted("a@one.example"), origin="mx")
    for word in ("one", "two", "one", "six", "ten", "one"):
        bench.directory.own_rules["platform"] = WON.replace("won", word)
        bench.run(accepted)
    assert [text.split("matches = '")[1][:3] for text in made] == ["one", "two", "six", "ten", "one"]


async def test_a_change_is_compiled_once_for_all_that_meet_it(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []

    def counted(text: str) -> CompiledRules:
        compiled.append(text)
        return compile_rules(text)

    monkeypatch.setattr(own_rules, "compile_rules", counted)
    bench = Bench()
    bench.directory.own_rules = {"platform": WON}
    contexts = [FilterContext(bench.accepted("a@one.example")) for _ in range(20)]
    await asyncio.gather(*[bench.step.run(context) for context in contexts])
    assert compiled == [WON]
    assert all(context.rulings[0] is not None for context in contexts)


async def test_a_large_message_whose_turn_is_long_in_coming_is_no_dead_letter() -> None:
    bench = Bench(MAIL)
    bench.directory.own_rules = {"platform": rule("HH", "attachment-sha256", f"is = '{'0' * 64}'")}
    bench.step.deadline = 0.02
    bench.step._wholes = asyncio.Semaphore(0)
    size = own_rules.MOST_OCTETS + 1
    body = Body(size, blob=BlobRef(BlobId(b"\0" * 41), TenantName("default"), size))
    with pytest.raises(Unavailable, match="large messages"):
        await bench.step.run(FilterContext(bench.accepted("a@one.example", body=body)))
