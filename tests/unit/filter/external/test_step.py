from dataclasses import replace

import pytest

from harness.fake_ports import RecordingBlobs, SerialIds
from posthouse.filter.external.opinion import NoOpinion, Opinion
from posthouse.filter.external.settings import EXTERNAL, RspamdSettings
from posthouse.filter.external.step import ExternalStep, external_steps
from posthouse.filter.steps import FilterContext
from posthouse.model.envelope import OWN, Accepted, Body, Envelope, Peer, Rcpt
from posthouse.model.ids import TenantName
from posthouse.runtime.settings import Schema, SettingsError
from posthouse.runtime.settings_load import load
from posthouse.telemetry.metric_names import EXTERNAL_SCORES
from posthouse.telemetry.metrics import Metrics

MAIL = Accepted(
    SerialIds().queue_id(),
    Envelope("ann@remote.example", (Rcpt("alice@example.org", None),)),
    Peer("192.0.2.1", "x"),
    ((TenantName("default"), Body(3, octets=b"abc")),),
    0,
    1,
)


class Says:
    def __init__(self, name: str, opinion: Opinion | None) -> None:
        self.name, self.weight = name, 2.0
        self.seen: list[bytes] = []
        self._opinion = opinion

    async def ask(self, accepted: Accepted, octets: bytes) -> Opinion:
        self.seen.append(octets)
        if self._opinion is None:
            raise NoOpinion("away")
        return self._opinion


def step(*scorers: Says, metrics: Metrics | None = None) -> ExternalStep:
    return ExternalStep(scorers, RecordingBlobs(), metrics or Metrics(), deadline=1.0)  # type: ignore[arg-type]


async def test_opinions_join_what_is_known_from_outside() -> None:
    metrics = Metrics()
    context = FilterContext(MAIL)
    context.extra += (("list-x", 1.0),)
    says = Says("rspamd", Opinion(9.0, 6.0))
    assert await step(says, Says("spamassassin", None), metrics=metrics).run(context) is None
    assert context.extra == (("list-x", 1.0), ("rspamd", 1.0))
    assert says.seen == [b"abc"]
    assert metrics.counter(EXTERNAL_SCORES, "rspamd", "scored").value == 1
    assert metrics.counter(EXTERNAL_SCORES, "spamassassin", "missing").value == 1


@pytest.mark.parametrize("mail", [replace(MAIL, peer=Peer("192.0.2.1", "x", login="a@b.c")), replace(MAIL, origin=OWN)])
async def test_mail_of_users_and_our_own_is_not_shown_around(mail: Accepted) -> None:
    says = Says("rspamd", Opinion(9.0, 6.0))
    context = FilterContext(mail)
    await step(says).run(context)
    assert (says.seen, context.extra) == ([], ())


def test_nobody_is_asked_unless_configured() -> None:
    schema = Schema(EXTERNAL)
    assert external_steps(load(schema, None, {}), RecordingBlobs(), Metrics()) == ()  # type: ignore[arg-type]
    settings = load(schema, None, {}, ["rspamd.address=127.0.0.1:11333", "rspamd.timeout=7s"])
    (made,) = external_steps(settings, RecordingBlobs(), Metrics())  # type: ignore[arg-type]
    assert made.deadline > settings.section(RspamdSettings).timeout


@pytest.mark.parametrize("address", ["nowhere", ":11333", "host:", "host:99999", "host:x"])
def test_addresses_are_checked(address: str) -> None:
    with pytest.raises(SettingsError):
        load(Schema(EXTERNAL), None, {}, [f"spamassassin.address={address}"])
