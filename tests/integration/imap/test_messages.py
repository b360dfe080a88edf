"""Large messages, many messages, and the traces of messages, through a live server."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from harness.imap_client import ImapClient
from harness.imap_server import imap_server
from harness.imap_transcript import MESSAGES
from harness.waiting import until
from posthouse.imap.settings import ImapSettings
from posthouse.model.flags import SEEN, Flags
from posthouse.model.ids import queue_id_octets
from posthouse.runtime.settings import Duration
from posthouse.telemetry.tracing import Span, commit_span_id

PREFIX = b"Return-Path: <a@b.org>\r\nDelivered-To: ann@example.org\r\n"


class Spans:
    def __init__(self) -> None:
        self.ended: list[Span] = []

    def emit(self, span: Span) -> None:
        self.ended.append(span)

    def close(self) -> None:
        """Nothing is kept open."""


@pytest.mark.parametrize("size", [100, 16_384, 16_385, 300_000, 2_000_000])
async def test_octets_come_back_as_they_were_and_in_any_part(tmp_path: Path, size: int) -> None:
    octets = b"Subject: s\r\n\r\n" + random.Random(size).randbytes(size // 2).hex().encode()[: size - 14]
    whole = PREFIX + octets
    async with imap_server(tmp_path) as live:
        account = await live.account("ann@example.org")
        await live.deliver(account, octets, prefix=PREFIX)
        client = await ImapClient.logged_in(live.port)
        (answer,) = await client.ok("FETCH 1 (RFC822.SIZE BODY.PEEK[])")
        assert answer == b"* 1 FETCH (RFC822.SIZE %d BODY[] {%d}\r\n%b)\r\n" % (len(whole), len(whole), whole)
        for start, length in ((0, 10), (20, 60), (50, 300_000), (size - 5, 100), (size * 2, 5)):
            (answer,) = await client.ok(f"FETCH 1 BODY.PEEK[]<{start}.{length}>")
            part = whole[start : start + length]
            assert answer == b"* 1 FETCH (BODY[]<%d> {%d}\r\n%b)\r\n" % (start, len(part), part)
        assert (await client.append("Sent", octets)).startswith(b"OK [APPENDUID")
        await client.ok("SELECT Sent")
        (answer,) = await client.ok("FETCH 1 BODY.PEEK[]")
        assert answer.endswith(octets + b")\r\n")
        (answer,) = await client.ok(b"SEARCH BODY " + octets[-12:])
        assert answer == b"* SEARCH 1\r\n"


async def test_many_messages(tmp_path: Path) -> None:
    count = 9_000
    async with imap_server(tmp_path) as live:
        account = await live.account("ann@example.org")
        for start in range(0, count, 100):
            messages = [b"Subject: number %d\r\nFrom: a@b.org\r\n\r\nx\r\n" % n for n in range(start, start + 100)]
            await live.deliver_all(account, messages, flags=Flags(SEEN if start % 200 else 0))
        client = await ImapClient.logged_in(live.port)
        lines = await client.ok("FETCH 1:* (UID FLAGS)")
        assert [int(line.split()[1]) for line in lines] == list(range(1, count + 1))
        lines = await client.ok("FETCH 1:* (ENVELOPE BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        assert all(b'"number %d"' % n in line for n, line in enumerate(lines))
        assert all(b"\r\nSubject: number %d\r\n\r\n)" % n in line for n, line in enumerate(lines))
        (found,) = await client.ok("SEARCH SUBJECT 4999")
        assert found == b"* SEARCH 5000\r\n"
        (found,) = await client.ok("SEARCH UNSEEN")
        assert len(found.split()) == count // 2 + 2
        await client.ok("STORE 1:4500 +FLAGS.SILENT (\\Deleted)")
        lines = await client.ok("EXPUNGE")
        assert len(lines) == 4_500
        (line, *_) = await client.ok("FETCH 1 UID")
        assert line == b"* 1 FETCH (UID 4501)\r\n"
        await client.ok("MOVE 1:* Archive")
        await client.ok("SELECT Archive")
        lines = await client.ok("FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]")
        assert b"number 4500\r\n" in lines[0]
        assert len(lines) == 4_500


async def test_push_and_first_fetch_end_the_trace_of_a_message(tmp_path: Path) -> None:
    spans = Spans()
    async with imap_server(tmp_path, sink=spans) as live:
        account = await live.account("ann@example.org")
        idler, reader = await ImapClient.logged_in(live.port), await ImapClient.logged_in(live.port)
        idler.send(b"i IDLE\r\n")
        await idler.line()
        queue_id = live.services.ids.queue_id()
        committed = await live.deliver(account, MESSAGES["plain"], queue_id=queue_id)
        assert await idler.line() == b"* 1 EXISTS\r\n"
        await reader.ok("NOOP")
        await reader.ok("FETCH 1 (ENVELOPE)")
        await reader.ok("FETCH 1 BODY[TEXT]")
        await reader.ok("FETCH 1 BODY[]")
        await until(lambda: len(spans.ended) >= 2)
        push = next(span for span in spans.ended if span.name == "imap.push")
        fetch = next(span for span in spans.ended if span.name == "imap.fetch")
        assert len(spans.ended) == 2
        trace_id = queue_id_octets(queue_id).hex()
        view = await live.store.contents(account, (await live.store.view(account)).mailboxes[0].number)
        assert push.context.trace_id == trace_id
        assert push.parent_id == commit_span_id(view.email_ids[0])
        assert push.attributes is not None
        assert push.attributes["posthouse.modseq"] == committed.modseq
        assert [(link.trace_id, link.span_id) for link in fetch.links] == [(trace_id, push.parent_id)]
        (event,) = live.events
        assert (event.queue_id, event.stage, event.outcome, event.uid) == (queue_id, "imap", "fetched", 1)
        # Appended mail has no trace; old mail no event.
        await reader.append("INBOX", MESSAGES["two"])
        await live.deliver(account, MESSAGES["two"], queue_id=live.services.ids.queue_id(), internaldate=1_000)
        await reader.ok("NOOP")
        await reader.ok("FETCH 2:3 BODY[]")
        assert len(live.events) == 1


async def test_exists_follows_the_commit_and_not_the_poll(tmp_path: Path) -> None:
    settings = ImapSettings(insecure_loopback_auth=True, poll=Duration(3600))
    async with imap_server(tmp_path, settings=settings) as live:
        account = await live.account("ann@example.org")
        client = await ImapClient.logged_in(live.port)
        client.send(b"i IDLE\r\n")
        await client.line()
        for n in range(1, 31):
            await live.deliver(account, MESSAGES["two"])
            assert await client.line() == b"* %d EXISTS\r\n" % n
