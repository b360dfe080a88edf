"""What a commit through a broken stream may be said to have come to."""

import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from harness.mail_stores import delivery
from harness.virtual_clock import VirtualClock
from posthouse.control.v1 import mailstore_pb2 as pb
from posthouse.model.errors import (
    MailboxExists,
    MailError,
    NoSuchAccount,
    NoSuchMailbox,
    OutcomeUnknown,
    OverQuota,
    Unavailable,
)
from posthouse.model.ids import AccountId
from posthouse.store.account import wire
from posthouse.store.account.remote import RemoteMailStore
from posthouse.store.account.remote_calls import StreamBroken


class Streams:
    """Answers calls in turn: a broken stream, then another process with the refusal of its own try."""

    def __init__(self, refusal: MailError, *, sent: bool) -> None:
        self._refusal = refusal
        self._answers = [StreamBroken(sent=sent), None]

    async def call(self, message: Any, timeout: float) -> pb.CommitReply:
        broken = self._answers.pop(0)
        if broken is not None:
            raise broken
        reply = pb.CommitReply()
        wire.put_error(reply.error, self._refusal)
        return reply


@pytest.mark.parametrize(
    "refusal",
    [
        Unavailable("the commit could not be carried out in time"),
        OverQuota("full by now: the first try has filled it"),
        NoSuchMailbox("gone by now"),
        NoSuchAccount("removed by now"),
        MailboxExists("the first try has made it"),
    ],
    ids=lambda refusal: type(refusal).__name__,
)
@pytest.mark.parametrize("sent", [True, False])
async def test_a_refusal_is_definite_only_if_no_earlier_try_was_sent(
    monkeypatch: pytest.MonkeyPatch, refusal: MailError, sent: bool
) -> None:
    """However permanent it is: it is that of a try after which the first one may have been carried out."""

    async def peers() -> Sequence[str]:
        return ["127.0.0.1:1"]

    streams = Streams(refusal, sent=sent)
    async with RemoteMailStore(peers, VirtualClock()) as store:
        monkeypatch.setattr(store, "_stream", lambda *_: streams)
        with pytest.raises(MailError) as refused:
            await store.commit(AccountId(uuid.uuid4()), delivery())
    assert type(refused.value) is (OutcomeUnknown if sent else type(refusal))
    assert refused.value.temporary is (sent or refusal.temporary)
    assert refused.value.reason == refusal.reason
