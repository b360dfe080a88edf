"""Evidence from outside, seen from outside: a listed client and a listed link end in Junk, with the reason in the copy;
unlisted mail and mail with a login do not; what domains want reported is counted. On `posthouse up`."""

import asyncio
import email
import email.message
import imaplib
import smtplib
import socket
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.dns_server import DnsServer
from harness.posthouse_cluster import Person
from harness.posthouse_up import PosthouseUp
from harness.waiting import until

LISTED, UNLISTED = "192.0.2.9", "192.0.2.10"
ZONES = {
    "2.0.0.127.zen.test": {"A": ["127.0.0.2"]},
    "9.2.0.192.zen.test": {"A": ["127.0.0.2"]},
    "test.uri.test": {"A": ["127.0.0.2"]},
    "pills.example.uri.test": {"A": ["127.0.0.2"]},
    "remote.example": {"TXT": ['"v=spf1 -all"']},
    "_dmarc.remote.example": {"TXT": ['"v=DMARC1; p=none; rua=mailto:reports@remote.example"']},
}


class Proxied(smtplib.SMTP):
    """A client behind a balancer that says whose connection it passes on."""

    def __init__(self, address: tuple[str, int], client: str) -> None:
        self._client = client
        super().__init__(*address, local_hostname="client.example", timeout=120)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connected = socket.create_connection((host, port), timeout)
        connected.sendall(f"PROXY TCP4 {self._client} 127.0.0.1 4711 25\r\n".encode())
        return connected


def send(up: PosthouseUp, client: str, rcpt: Person, subject: str, text: str = "A few words.") -> None:
    message = f"From: <ann@remote.example>\r\nTo: <{rcpt.address}>\r\nSubject: {subject}\r\n\r\n{text}\r\n"
    with Proxied(up.mx, client) as smtp:
        smtp.sendmail("ann@remote.example", [rcpt.address], message)


def found(up: PosthouseUp, person: Person, mailbox: str) -> dict[str, email.message.Message]:
    """Subject → message; nothing where the mailbox does not exist."""
    client = imaplib.IMAP4(*up.imap, timeout=120)
    try:
        client.login(person.address, person.password)
        if client.select(mailbox, readonly=True)[0] != "OK":
            return {}
        _, numbers = client.search(None, "ALL")
        fetched = [client.fetch(number, "(BODY.PEEK[])")[1][0] for number in numbers[0].decode().split()]
        messages = [email.message_from_bytes(part[1]) for part in fetched if isinstance(part, tuple)]
        return {str(message["Subject"]): message for message in messages}
    finally:
        client.logout()


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[PosthouseUp]:
    async with DnsServer(ZONES) as dns:
        settings = (
            f"dns.upstreams=127.0.0.1:{dns.port}",
            "dns.timeout=5",
            "authentication.deadline=30",
            "dnslists.deadline=30",
            "dnslists.lists=zen.test ip 127.0.0.2=4:sbl,uri.test domain+uri 127.0.0.2=5:pills",
            "dmarcreports.flush=0.1",
            "smtp.proxies=127.0.0.0/8",
        )
        up = PosthouseUp(tmp_path, accounts=1, settings=settings)
        await asyncio.to_thread(up.start)
        try:
            yield up
        finally:
            await asyncio.to_thread(up.stop)


async def test_what_others_say_decides_and_is_named(up: PosthouseUp) -> None:
    [ann] = up.people()
    await asyncio.to_thread(send, up, LISTED, ann, "listed")
    await asyncio.to_thread(send, up, UNLISTED, ann, "link", "Look: https://www.pills.example/buy")
    await asyncio.to_thread(send, up, UNLISTED, ann, "fine")

    async def arrived() -> bool:
        junk = await asyncio.to_thread(found, up, ann, "Junk")
        inbox = await asyncio.to_thread(found, up, ann, "INBOX")
        return len(junk) + len(inbox) == 3

    await until(arrived)
    junk, inbox = found(up, ann, "Junk"), found(up, ann, "INBOX")
    assert sorted(junk) == ["link", "listed"]
    assert sorted(inbox) == ["fine"]
    assert "list-sbl+4.0" in junk["listed"]["X-Posthouse-Spam"]
    assert "list-pills+5.0" in junk["link"]["X-Posthouse-Spam"]

    def counted() -> int:
        with sqlite3.connect(f"file:{up.data / 'posthouse.db'}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT COALESCE(SUM(count), 0) FROM dmarc_count").fetchone()[0])

    async def all_counted() -> bool:
        return await asyncio.to_thread(counted) == 3

    await until(all_counted)
