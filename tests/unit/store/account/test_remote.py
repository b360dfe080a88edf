"""What a commit through a broken stream may be said to have come to."""

import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from harness.mail_stores import delivery
from harness.virtual_clock import VirtualClock
from posthouse.control.v1 import mailstore_pb2 as pb
from posthouse.model.errors import OutcomeUnknown, Unavailable
from posthouse.model.ids import AccountId
from posthouse.store.account import wire
from posthouse.store.account.remote import RemoteMailStore
from posthouse.store.account.remote_calls import StreamBroken


class Streams:
    """Answers calls in turn: a broken stream, then a process that gave up its own try."""

    def __init__(self, *, sent: bool) -> None:
        self._answers = [StreamBroken(sent=sent), None]

    async def call(self, message: Any, timeout: float) -> pb.CommitReply:
        broken = self._answers.pop(0)
        if broken is not None:
            raise broken
        reply = pb.CommitReply()
        wire.put_error(reply.error, Unavailable("the commit could not be carried out in time"))
        return reply


@pytest.mark.parametrize(("sent", "unknown"), [(True, True), (False, False)])
async def test_a_failure_is_definite_only_if_no_earlier_try_was_sent(
    monkeypatch: pytest.MonkeyPatch, sent: bool, unknown: bool
) -> None:
    async def peers() -> Sequence[str]:
        return ["127.0.0.1:1"]

    streams = Streams(sent=sent)
    async with RemoteMailStore(peers, VirtualClock()) as store:
        monkeypatch.setattr(store, "_stream", lambda *_: streams)
        with pytest.raises(Unavailable) as refused:
            await store.commit(AccountId(uuid.uuid4()), delivery())
    assert isinstance(refused.value, OutcomeUnknown) is unknown


async def test_channels_to_processes_that_are_gone_are_closed() -> None:
    listed: list[str] = []

    async def peers() -> Sequence[str]:
        return list(listed)

    clock = VirtualClock()
    async with RemoteMailStore(peers, clock, read_deadline=1.0) as store:
        for port in range(1, 6):
            listed[:] = [f"127.0.0.1:{port}"]  # nobody listens: the stream breaks
            with pytest.raises(Unavailable):
                await store.view(AccountId(uuid.uuid4()))
            await clock.sleep(10)
        assert set(store._channels) <= {"127.0.0.1:4", "127.0.0.1:5"}
        assert set(store._reads) <= set(store._channels)
