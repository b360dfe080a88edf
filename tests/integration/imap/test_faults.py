"""What the store and the blobs do not do, and what a session says then."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.imap_client import ImapClient
from harness.imap_server import imap_server
from harness.imap_transcript import MESSAGES
from posthouse.model.change import CommitRequest, CommitResult
from posthouse.model.errors import BlobMissing, MailError, OutcomeUnknown, Unavailable
from posthouse.model.ids import AccountId
from posthouse.ports.blob_store import BlobStore
from posthouse.ports.mail_store import MailStore


class Faulty:
    """Any port, until a method is told to fail."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.fail: dict[str, Exception] = {}
        self.after = 0
        """Calls that still work."""

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if name not in self.fail:
            return method
        if self.after > 0:
            self.after -= 1
            return method

        async def fail(*_: Any, **__: Any) -> Any:
            raise self.fail[name]

        return fail


class Server:
    """A live server whose store and blobs fail on demand."""

    def __init__(self, path: Path) -> None:
        self.store: Faulty
        self.blobs: Faulty
        self._server = imap_server(path, wrap=self._store, wrap_blobs=self._blobs)

    def _store(self, store: MailStore) -> MailStore:
        self.store = Faulty(store)
        return self.store  # type: ignore[return-value]

    def _blobs(self, blobs: BlobStore) -> BlobStore:
        self.blobs = Faulty(blobs)
        return self.blobs  # type: ignore[return-value]

    async def __aenter__(self) -> tuple[Server, ImapClient, Any]:
        live = await self._server.__aenter__()
        self.account = await live.account("ann@example.org")
        await live.deliver(self.account, MESSAGES["plain"])
        await live.deliver(self.account, b"Subject: big\r\n\r\n" + b"x" * 1_000_000)
        return self, await ImapClient.logged_in(live.port), live

    async def __aexit__(self, *error: Any) -> None:
        await self._server.__aexit__(*error)


async def test_a_store_that_cannot_be_reached_is_no(tmp_path: Path) -> None:
    async with Server(tmp_path) as (server, client, _):
        for method, command in (
            ("commit", "STORE 1 +FLAGS (\\Seen)"),
            ("view", "STATUS INBOX (MESSAGES)"),
            ("envelopes", "FETCH 1 ENVELOPE"),
            ("octets", "FETCH 1 BODY.PEEK[]"),
            ("contents", "SELECT Sent"),
        ):
            server.store.fail = {method: Unavailable("node 7 is down")}
            (tagged,) = (line for line in await client.ask(command) if not line.startswith(b"*"))
            assert tagged.startswith(b"NO [UNAVAILABLE]"), command
            assert b"node" not in tagged
        server.store.fail = {}
        await client.ok("SELECT INBOX")
        await client.ok("STORE 1 +FLAGS (\\Seen)")


async def test_an_unknown_outcome_is_neither_ok_nor_no(tmp_path: Path) -> None:
    async with Server(tmp_path) as (server, client, _):
        server.store.fail = {"commit": OutcomeUnknown()}
        said = await client.ask("STORE 1 +FLAGS (\\Seen)")
        assert len(said) == 1
        assert said[0].startswith(b"* BYE [UNAVAILABLE]")
        assert await client.ended() == []


async def test_changes_that_cannot_be_pulled_come_later(tmp_path: Path) -> None:
    async with Server(tmp_path) as (server, client, live):
        server.store.fail = {"journal": Unavailable()}
        await live.deliver(server.account, MESSAGES["two"])
        assert await client.ok("NOOP") == []
        server.store.fail = {}
        assert await client.ok("NOOP") == [b"* 3 EXISTS\r\n"]


async def test_a_trimmed_journal_means_reading_the_mailbox_anew(tmp_path: Path) -> None:
    async with Server(tmp_path) as (server, client, live):
        real = server.store._inner.journal

        async def trimmed(*_: Any) -> None:
            return None

        server.store._inner.journal = trimmed
        await live.deliver(server.account, MESSAGES["two"])
        await live.services.updates._accounts[server.account].look()
        assert await client.ok("NOOP") == [b"* 3 EXISTS\r\n"]
        server.store._inner.journal = real
        await client.ok("STORE 3 +FLAGS (\\Seen)")


async def test_without_blobs_envelopes_are_still_served(tmp_path: Path) -> None:
    async with Server(tmp_path) as (server, client, _):
        for error, code in ((Unavailable(), b"NO [UNAVAILABLE]"), (BlobMissing(), b"NO [CORRUPTION]")):
            server.blobs.fail = {"get_range": error, "get": error}
            assert (await client.ask("FETCH 2 BODY.PEEK[]"))[-1].startswith(code)
            assert (await client.ask("SEARCH BODY xyz"))[-1].startswith(code)
            assert len(await client.ok("FETCH 1:2 (FLAGS ENVELOPE BODYSTRUCTURE)")) == 2
            assert len(await client.ok("FETCH 1 BODY.PEEK[]")) == 1


async def test_a_blob_lost_in_the_middle_ends_the_connection(tmp_path: Path) -> None:
    async with Server(tmp_path) as (server, client, _):
        server.blobs.fail = {"get_range": Unavailable()}
        server.blobs.after = 2
        client.send(b"a FETCH 2 BODY.PEEK[]\r\n")
        head = await client.reader.readline()
        assert head.startswith(b"* 2 FETCH (BODY[] {1000016}")
        rest = await client.reader.read(-1)
        assert len(rest) < 1_000_016  # never octets that are not the message's


async def test_a_fault_of_ours_ends_one_connection_only(tmp_path: Path) -> None:
    async with Server(tmp_path) as (server, client, live):
        other = await ImapClient.logged_in(live.port)
        server.store.fail = {"envelopes": RuntimeError("a bug with ann@example.org in it")}
        assert await client.ask("FETCH 1 ENVELOPE") == [b"* BYE [SERVERBUG] Internal error\r\n"]
        server.store.fail = {}
        await other.ok("FETCH 1 ENVELOPE")


async def test_an_append_that_fails_leaves_nothing_visible(tmp_path: Path) -> None:
    async with Server(tmp_path) as (server, client, _):
        octets = b"Subject: a\r\n\r\n" + b"y" * 50_000
        failures: list[tuple[str, str, MailError]] = [
            ("blobs", "put", Unavailable()),
            ("blobs", "ref", Unavailable()),
            ("store", "commit", Unavailable()),
        ]
        for port, method, error in failures:
            getattr(server, port).fail = {method: error}
            assert (await client.append("Sent", octets)).startswith(b"NO [UNAVAILABLE]")
            getattr(server, port).fail = {}
        assert await client.ok("STATUS Sent (MESSAGES)") == [b'* STATUS "Sent" (MESSAGES 0)\r\n']
        assert (await client.append("Sent", octets)).startswith(b"OK [APPENDUID")


async def test_a_deleted_account_ends_its_sessions(tmp_path: Path) -> None:
    async with Server(tmp_path) as (server, client, live):
        idler = await ImapClient.logged_in(live.port)
        idler.send(b"i IDLE\r\n")
        await idler.line()
        await live.store.delete_account(server.account)
        assert (await client.ask("STORE 1 +FLAGS (\\Seen)"))[-1].startswith(b"* BYE")
        await asyncio.wait_for(idler.ended(), 60)


async def test_an_append_whose_answer_was_lost_names_the_message_of_the_first_try(tmp_path: Path) -> None:
    """The store's client repeats it and is told Duplicate; for the mail client there was one APPEND with one UID."""
    async with Server(tmp_path) as (server, client, _):
        real = server.store._inner.commit

        async def twice(account: AccountId, request: CommitRequest) -> CommitResult:
            request = replace(request, dedup_ttl=3600)
            await real(account, request)
            again: CommitResult = await real(account, request)
            return again

        server.store._inner.commit = twice
        answer = await client.append("INBOX", MESSAGES["two"])
        server.store._inner.commit = real
        assert b"[APPENDUID " in answer
        assert b" 3]" in answer
        assert await client.ok("UID FETCH 3 (UID)") == [b"* 3 FETCH (UID 3)\r\n"]
