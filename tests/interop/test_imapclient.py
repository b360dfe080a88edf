"""IMAPClient: parsed answers, IDLE, MOVE, CONDSTORE."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from imapclient import IMAPClient  # type: ignore[import-untyped]
from imapclient.exceptions import IMAPClientError, LoginError  # type: ignore[import-untyped]

from harness.imap_server import ThreadedImap, threaded_imap_server
from harness.imap_transcript import MESSAGES
from posthouse.model.ids import AccountId


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[ThreadedImap, AccountId]]:
    with threaded_imap_server(tmp_path) as running:
        account = running.call(running.live.account("ann@example.org"))
        for name in ("plain", "two", "parts"):
            running.call(running.live.deliver(account, MESSAGES[name]))
        yield running, account


@pytest.fixture
def client(server: tuple[ThreadedImap, AccountId]) -> Iterator[IMAPClient]:
    with IMAPClient("127.0.0.1", server[0].port, ssl=False, timeout=60) as made:
        made.login("ann@example.org", "secret")
        yield made


def test_folders(client: IMAPClient) -> None:
    assert client.namespace().personal == (("", "/"),)
    names = {name: flags for flags, _, name in client.list_folders()}
    assert b"\\Sent" in names["Sent"]
    assert client.find_special_folder(b"\\Trash") == "Trash"
    client.create_folder("Entwürfe/Über")
    assert client.folder_exists("Entwürfe/Über")
    client.rename_folder("Entwürfe/Über", "日本語")
    assert client.folder_exists("日本語")
    client.unsubscribe_folder("日本語")
    assert "日本語" not in [name for _, _, name in client.list_sub_folders()]
    client.delete_folder("日本語")
    assert client.folder_status("INBOX", ["MESSAGES", "UNSEEN"]) == {b"MESSAGES": 3, b"UNSEEN": 3}


def test_messages(client: IMAPClient) -> None:
    client.select_folder("INBOX")
    assert client.search(["SUBJECT", "Lunch"]) == [1]
    assert client.search(["BODY", "ü"], charset="UTF-8") == []
    answer = client.fetch([1, 3], ["ENVELOPE", "BODYSTRUCTURE", "FLAGS", "INTERNALDATE", "RFC822.SIZE"])
    assert answer[1][b"ENVELOPE"].subject == b"Lunch?"
    assert answer[1][b"ENVELOPE"].from_[0].mailbox == b"ann"
    assert answer[1][b"RFC822.SIZE"] == len(MESSAGES["plain"])
    assert answer[3][b"BODYSTRUCTURE"].is_multipart
    client.add_flags([1], [b"$Label1", b"\\Flagged"])
    assert set(client.get_flags([1])[1]) == {b"$Label1", b"\\Flagged"}
    assert client.search(["KEYWORD", "$Label1"]) == [1]
    client.move([1], "Archive")
    client.copy([2], "Archive")
    assert client.search() == [2, 3]
    client.delete_messages([2])
    client.uid_expunge([2])
    assert client.search() == [3]
    result = client.append("Sent", b"Subject: sent\r\n\r\nx", flags=[b"\\Seen"])
    assert b"APPENDUID" in result
    client.unselect_folder()


def test_condstore(client: IMAPClient) -> None:
    client.enable("CONDSTORE")
    selected = client.select_folder("INBOX")
    modseq = selected[b"HIGHESTMODSEQ"]
    client.add_flags([2], [b"\\Seen"])
    changed = client.fetch([1, 2, 3], ["FLAGS"], [f"CHANGEDSINCE {modseq}"])
    assert list(changed) == [2]
    assert changed[2][b"MODSEQ"][0] > modseq


def test_idle(server: tuple[ThreadedImap, AccountId], client: IMAPClient) -> None:
    running, account = server
    client.select_folder("INBOX")
    client.idle()
    running.call(running.live.deliver(account, MESSAGES["two"]))
    assert (4, b"EXISTS") in client.idle_check(timeout=60)
    client.idle_done()
    assert client.search() == [1, 2, 3, 4]


def test_errors(server: tuple[ThreadedImap, AccountId], client: IMAPClient) -> None:
    with pytest.raises(IMAPClientError, match="NONEXISTENT"):
        client.select_folder("Nothing")
    with pytest.raises(IMAPClientError, match="TRYCREATE"):
        client.append("Nothing", b"x")
    with IMAPClient("127.0.0.1", server[0].port, ssl=False) as other, pytest.raises(LoginError):
        other.login("ann@example.org", "wrong")
