"""The client against the stub in memory: what one writes the other reads, in chunks of any size."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stub_mail_server import Boxes, Faults, SmtpStub
from smtp_client import Mail, SmtpConnection, reply_key


class Wire:
    """Two protocols joined; octets move when pump is called."""

    def __init__(self, client: asyncio.Protocol, server: asyncio.Protocol, cuts: Sequence[int]) -> None:
        self._cuts = list(cuts) or [65536]
        self._turn = 0
        self.to_client, self.to_server = End(client), End(server)
        server.connection_made(self.to_client)
        client.connection_made(self.to_server)

    def pump(self) -> None:
        while self.to_client.waiting or self.to_server.waiting:
            for end in (self.to_server, self.to_client):
                if end.waiting:
                    cut = self._cuts[self._turn % len(self._cuts)]
                    self._turn += 1
                    data, end.waiting = end.waiting[:cut], end.waiting[cut:]
                    end.protocol.data_received(data)


class End(asyncio.Transport):
    def __init__(self, protocol: asyncio.Protocol) -> None:
        self.protocol = protocol
        self.waiting = b""
        self.writes = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.waiting += bytes(data)
        self.writes += 1

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass


async def _join(boxes: Boxes, cuts: Sequence[int]) -> tuple[SmtpConnection, Wire, list[Mail]]:
    client = SmtpConnection()
    ended: list[Mail] = []
    client.finished = lambda _connection, mail: ended.append(mail)
    wire = Wire(client, SmtpStub(boxes), cuts)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(client.ready("load.example.org", starttls=False, account=None))
        for _ in range(4):
            await asyncio.sleep(0)
            wire.pump()
    return client, wire, ended


def _mail(number: int, *rcpts: str) -> Mail:
    return Mail(number, rcpts or ("a@example.org",), b"Subject: %d\r\n\r\ntext\r\n" % number)


@settings(max_examples=40)
@given(st.lists(st.integers(1, 40), max_size=5))
def test_replies_cut_anywhere(cuts: list[int]) -> None:
    async def run() -> None:
        boxes = Boxes()
        client, wire, ended = await _join(boxes, cuts)
        for number in range(3):
            client.start(_mail(number, "a@example.org", "b@example.org"))
            wire.pump()
        assert [mail.outcome for mail in ended] == ["250"] * 3
        assert all(mail.accepted == ("a@example.org", "b@example.org") for mail in ended)
        assert len(boxes.box(b"a@example.org")) == len(boxes.box(b"b@example.org")) == 3

    asyncio.run(run())


async def test_with_pipelining_the_envelope_is_one_write() -> None:
    client, wire, _ended = await _join(Boxes(), [])
    before = wire.to_server.writes
    client.start(_mail(1))
    wire.pump()
    assert wire.to_server.writes - before == 2


async def test_without_pipelining_each_command_waits() -> None:
    client, wire, ended = await _join(Boxes(), [])
    client.pipelining = False
    before = wire.to_server.writes
    client.start(_mail(1))
    wire.pump()
    assert ended[0].outcome == "250"
    assert wire.to_server.writes - before == 4


async def test_a_refused_recipient_is_told_apart_and_the_others_get_it() -> None:
    boxes = Boxes(Faults(refuse_rcpt=frozenset({b"no@example.org"})))
    client, wire, ended = await _join(boxes, [])
    client.start(_mail(1, "a@example.org", "no@example.org"))
    wire.pump()
    assert ended[0].outcome == "250"
    assert ended[0].accepted == ("a@example.org",)
    assert ended[0].refused == ["550 5.1.1"]


@pytest.mark.parametrize("pipelining", [True, False])
async def test_when_all_are_refused_no_text_is_sent_and_the_next_goes_on(pipelining: bool) -> None:
    boxes = Boxes(Faults(refuse_rcpt=frozenset({b"no@example.org"})))
    client, wire, ended = await _join(boxes, [])
    client.pipelining = pipelining
    client.start(_mail(1, "no@example.org"))
    wire.pump()
    client.start(_mail(2))
    wire.pump()
    assert [mail.outcome for mail in ended] == ["550 5.1.1", "250"]
    assert boxes.box(b"a@example.org") == [b"Subject: 2\r\n\r\ntext\r\n"]


async def test_a_deferral_ends_the_transaction_and_the_next_begins_with_rset() -> None:
    boxes = Boxes(Faults(defer_every=2))
    client, wire, ended = await _join(boxes, [])
    for number in range(4):
        client.start(_mail(number))
        wire.pump()
    assert [mail.outcome for mail in ended] == ["250", "451 4.3.2", "250", "451 4.3.2"]
    assert ended[1].accepted == ()


async def test_a_lost_connection_ends_the_message_as_closed() -> None:
    client, _wire, ended = await _join(Boxes(), [])
    lost: list[SmtpConnection] = []
    client.lost = lost.append
    client.start(_mail(1))
    client.connection_lost(None)
    assert ended[0].outcome == "closed"
    assert not ended[0].text_sent
    assert lost == [client]


def test_reply_keys_hold_the_enhanced_code_if_there_is_one() -> None:
    assert reply_key(b"451 4.3.2 try later") == "451 4.3.2"
    assert reply_key(b"554 no") == "554"
    assert reply_key(b"421") == "421"
