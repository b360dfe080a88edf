"""Viruses and attachments on `posthouse up`, with real scanners: refused, held with its reason, junk by another's
opinion; and a scanner that goes away keeps mail outside until it is back."""

import asyncio
import imaplib
import json
import smtplib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.attached import EICAR, message, windows_program, zipped
from harness.clamd import ClamdServer
from harness.command import Commands
from harness.posthouse_up import PosthouseUp
from harness.spam_peers import SpamdServer
from harness.waiting import until

PLAIN = b"From: <ann@remote.example>\r\nSubject: plain\r\n\r\nhello\r\n"


def send(up: PosthouseUp, octets: bytes) -> str:
    """The reply to DATA."""
    with smtplib.SMTP(*up.mx, local_hostname="client.example", timeout=120) as smtp:
        smtp.ehlo()
        smtp.mail("ann@remote.example")
        smtp.rcpt(up.people()[0].address)
        code, text = smtp.data(octets)
        return f"{code} {text.decode()}"


def subjects(up: PosthouseUp, mailbox: str) -> str:
    person = up.people()[0]
    client = imaplib.IMAP4(*up.imap, timeout=120)
    try:
        client.login(person.address, person.password)
        if client.select(mailbox, readonly=True)[0] != "OK":
            return ""
        return str(client.fetch("1:*", "(BODY.PEEK[HEADER])")[1])
    finally:
        client.logout()


@pytest.fixture
async def scanned(tmp_path: Path) -> AsyncIterator[tuple[PosthouseUp, ClamdServer]]:
    clamd, spamd = ClamdServer(tmp_path), SpamdServer(tmp_path)
    for server in (clamd, spamd):
        await asyncio.to_thread(server.start)
    settings = (
        f"clamav.address={clamd.address}",
        f"spamassassin.address={spamd.address}",
        "spamassassin.timeout=60",
        "spamassassin.weight=8",
        "authentication.enabled=false",
    )
    up = PosthouseUp(tmp_path, accounts=1, settings=settings)
    await asyncio.to_thread(up.start)
    try:
        yield up, clamd
    finally:
        await asyncio.to_thread(up.stop)
        for server in (clamd, spamd):
            if server.running:
                await asyncio.to_thread(server.stop)


async def test_what_scanners_find_decides(scanned: tuple[PosthouseUp, ClamdServer]) -> None:
    up, clamd = scanned
    assert (await asyncio.to_thread(send, up, PLAIN)).startswith("250 ")
    refused = await asyncio.to_thread(send, up, message(("a.zip", zipped({"b.com": EICAR}))))
    assert refused.startswith("550 5.7.1 Message refused by policy: virus-Eicar")
    program = message(("a.zip", zipped({"invoice.exe": windows_program()})), subject="program")
    assert (await asyncio.to_thread(send, up, program)).startswith("250 ")
    assert (await asyncio.to_thread(send, up, PLAIN.replace(b"plain", b"posthouse-test"))).startswith("250 ")

    async def arrived() -> bool:
        inbox = await asyncio.to_thread(subjects, up, "INBOX")
        junk = await asyncio.to_thread(subjects, up, "Junk")
        return "Subject: plain" in inbox and "posthouse-test" in junk and "spamassassin+4.0" in junk

    await until(arrived)

    async def held() -> bool:
        listed = await asyncio.to_thread(Commands(up.data).json, "held", "list")
        return "attachment-executable" in json.dumps(listed)

    await until(held)
    assert "program" not in await asyncio.to_thread(subjects, up, "INBOX")

    await asyncio.to_thread(clamd.kill)
    assert (await asyncio.to_thread(send, up, PLAIN)).startswith("451 4.7.0 Message could not be scanned")
    await asyncio.to_thread(clamd.restart)
    assert (await asyncio.to_thread(send, up, PLAIN)).startswith("250 ")
