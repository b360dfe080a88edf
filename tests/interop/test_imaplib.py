"""The standard library's IMAP client."""

from __future__ import annotations

import imaplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.imap_server import ThreadedImap, threaded_imap_server
from harness.imap_transcript import MESSAGES
from posthouse.model.ids import AccountId


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[ThreadedImap, AccountId]]:
    with threaded_imap_server(tmp_path) as running:
        account = running.call(running.live.account("ann@example.org", 'se"cr\\et'))
        for name in ("plain", "two", "parts"):
            running.call(running.live.deliver(account, MESSAGES[name]))
        yield running, account


def test_a_whole_session(server: tuple[ThreadedImap, AccountId]) -> None:
    with imaplib.IMAP4("127.0.0.1", server[0].port, timeout=60) as client:
        assert "IMAP4REV1" in client.capabilities
        assert client.login("ann@example.org", 'se"cr\\et')[0] == "OK"
        assert client.enable("CONDSTORE")[0] == "OK"
        assert client.select("INBOX") == ("OK", [b"3"])
        assert client.response("UIDNEXT")[1] == [b"4"]
        assert client.search(None, "FROM", "bob") == ("OK", [b"2"])
        assert client.search("UTF-8", "SUBJECT", '"Lunch?"') == ("OK", [b"1"])
        typ, data = client.fetch("1", "(RFC822)")
        assert typ == "OK"
        assert isinstance(data[0], tuple)
        assert data[0][1] == MESSAGES["plain"]
        typ, data = client.uid("FETCH", "3", "(BODY.PEEK[1] BODY.PEEK[2.HEADER])")
        assert typ == "OK"
        assert [part[1] for part in data if isinstance(part, tuple)] == [b"first part", b"Subject: inner\r\n\r\n"]
        assert client.store("2", "+FLAGS", "(\\Deleted)")[1] == [b"2 (UID 2 FLAGS (\\Deleted) MODSEQ (6))"]
        assert client.copy("1", "Archive")[0] == "OK"
        assert client.expunge() == ("OK", [b"2"])
        typ, _ = client.append(
            "Drafts", "(\\Draft)", imaplib.Time2Internaldate(1_700_000_000), b"Subject: new\r\n\r\nx"
        )
        assert typ == "OK"
        assert client.status("Drafts", "(MESSAGES UNSEEN)") == ("OK", [b'"Drafts" (MESSAGES 1 UNSEEN 1)'])
        assert client.create('"Lists/A"')[0] == "OK"
        assert client.list('""', "Lists/*") == ("OK", [b'(\\HasNoChildren) "/" "Lists/A"'])
        assert client.delete('"Lists/A"')[0] == "OK"
        assert client.unselect()[0] == "OK"
    assert client.state == "LOGOUT"


def test_authenticate_and_errors(server: tuple[ThreadedImap, AccountId]) -> None:
    client = imaplib.IMAP4("127.0.0.1", server[0].port, timeout=60)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        client.authenticate("PLAIN", lambda _: b"\0ann@example.org\0wrong")
    client.authenticate("PLAIN", lambda _: b'\0ann@example.org\0se"cr\\et')
    assert client.select("Nothing")[0] == "NO"
    client.logout()
