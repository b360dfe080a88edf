"""What follows from verdicts, seen from outside: strangers' mail through SMTP, DNS of the test's own, the shipped
model, IMAP and the commands, on `posthouse up`."""

import asyncio
import email
import email.message
import imaplib
import json
import os
import smtplib
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from harness.dns_server import DnsServer
from harness.posthouse_cluster import Person
from harness.posthouse_up import PosthouseUp
from harness.waiting import until

DOMAIN = "demo.test"
HERE = "127.0.0.1"


def zone(spf: str, policy: str, name: str) -> dict[str, dict[str, list[str]]]:
    return {name: {"TXT": [f'"{spf}"']}, f"_dmarc.{name}": {"TXT": [f'"v=DMARC1; p={policy}"']}}


ZONES = {
    **zone(f"v=spf1 ip4:{HERE} -all", "reject", "honest.example"),
    **zone(f"v=spf1 ip4:{HERE} -all", "none", "annoying.example"),
    **zone(f"v=spf1 ip4:{HERE} -all", "none", "unwanted.example"),
    **zone("v=spf1 -all", "reject", "forged.example"),
}


class Mail:
    """The platform, its people, and what a stranger and an operator do."""

    def __init__(self, up: PosthouseUp, people: list[Person]) -> None:
        self.up = up
        self.people = people

    def send(self, sender: str, *rcpts: Person, subject: str) -> tuple[int, str]:
        """The reply to DATA."""
        message = f"From: <{sender}>\r\nTo: <you@{DOMAIN}>\r\nSubject: {subject}\r\n\r\nA few words.\r\n"
        with smtplib.SMTP(*self.up.mx, local_hostname="client.example", timeout=120) as client:
            client.ehlo()
            client.mail(sender)
            for rcpt in rcpts:
                client.rcpt(rcpt.address)
            code, text = client.data(message)
        return code, text.decode()

    def found(self, person: Person, mailbox: str) -> list[email.message.Message]:
        """What is in a mailbox; nothing where it does not exist."""
        client = imaplib.IMAP4(*self.up.imap, timeout=120)
        try:
            client.login(person.address, person.password)
            if client.select(mailbox, readonly=True)[0] != "OK":
                return []
            _, numbers = client.search(None, "ALL")
            fetched = [client.fetch(number, "(BODY.PEEK[])")[1][0] for number in numbers[0].decode().split()]
            return [email.message_from_bytes(part[1]) for part in fetched if isinstance(part, tuple)]
        finally:
            client.logout()

    def command(self, *arguments: str) -> Any:
        command = [sys.executable, "-m", "posthouse.cli", *arguments, "--json"]
        environment = {**os.environ, "POSTHOUSE_DATA": str(self.up.data)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout)


@pytest.fixture
async def mail(tmp_path: Path) -> AsyncIterator[Mail]:
    async with DnsServer(ZONES) as dns:
        settings = (
            f"dns.upstreams={HERE}:{dns.port}",
            "dns.timeout=5",
            "authentication.deadline=30",
            "authentication.trusted_networks=",
            "filter.score=true",
            "filter.score_timeout=60",  # of a busy machine; without a score nothing here would be quarantined
        )
        up = PosthouseUp(tmp_path, accounts=3, settings=settings)
        await asyncio.to_thread(up.start)
        try:
            yield Mail(up, up.people())
        finally:
            await asyncio.to_thread(up.stop)


async def arrives(mail: Mail, person: Person, mailbox: str, subject: str) -> email.message.Message:
    """The one message of that subject in a mailbox, once it is there."""
    seen: list[email.message.Message] = []

    async def there() -> bool:
        seen[:] = await asyncio.to_thread(mail.found, person, mailbox)
        return any(message["Subject"] == subject for message in seen)

    await until(there)
    [message] = [each for each in seen if each["Subject"] == subject]
    return message


async def test_what_follows_from_verdicts(mail: Mail) -> None:
    ann, bob, cid = mail.people

    async def command(*arguments: str) -> Any:
        return await asyncio.to_thread(mail.command, *arguments)

    async def send(sender: str, *rcpts: Person, subject: str) -> tuple[int, str]:
        return await asyncio.to_thread(lambda: mail.send(sender, *rcpts, subject=subject))

    # What the model thinks of a few words is not what is tried here: only the thresholds and lists decide.
    await command("filter", "policy", "set", "platform", "--junk", "90", "--caution", "on")
    await command("filter", "policy", "block", ann.address, "annoying.example")
    await command("filter", "policy", "block", DOMAIN, "unwanted.example")
    await command("filter", "policy", "set", cid.address, "--junk", "-100", "--quarantine", "-100")

    # An honest sender: INBOX, with what was found out, and no word of caution.
    assert (await send("eve@honest.example", ann, subject="honest"))[0] == 250
    copy = await arrives(mail, ann, "INBOX", "honest")
    assert "spf=pass" in copy["Authentication-Results"]
    assert "dmarc=pass" in copy["Authentication-Results"]
    assert copy["X-Posthouse-Spam"].startswith("no score=")
    assert copy["X-Posthouse-Caution"] is None or "sender" not in copy["X-Posthouse-Caution"]

    # Blocked by one account: its Junk, and the other's INBOX.
    assert (await send("eve@annoying.example", ann, bob, subject="annoying"))[0] == 250
    junk = await arrives(mail, ann, "Junk", "annoying")
    assert "blocked-by-account" in junk["X-Posthouse-Spam"]
    await arrives(mail, bob, "INBOX", "annoying")

    # DMARC fails under p=reject, and nothing else speaks against it: Junk (RFC 9989 §7.4), with the evidence.
    assert (await send("eve@forged.example", bob, subject="forged"))[0] == 250
    junk = await arrives(mail, bob, "Junk", "forged")
    assert "dmarc=fail" in junk["Authentication-Results"]
    assert junk["X-Posthouse-Spam"].startswith("yes score=")
    assert "dmarc-quarantine" in junk["X-Posthouse-Spam"]
    assert junk["X-Posthouse-Caution"].startswith("sender-failed-dmarc")

    # Refused by every recipient: 550 at DATA. By one of two: accepted, and held for the one.
    code, text = await send("eve@unwanted.example", ann, bob, subject="unwanted")
    assert (code, text) == (550, "5.7.1 Message refused by policy: blocked-by-domain")
    assert await asyncio.to_thread(mail.found, ann, "Junk")
    assert "unwanted" not in [each["Subject"] for each in await asyncio.to_thread(mail.found, ann, "INBOX")]

    # Over a threshold of quarantine: held, shown, released, in the INBOX once.
    code, text = await send("eve@honest.example", cid, subject="suspicious")
    assert code == 250
    queue_id = text.split()[-1]

    async def held() -> bool:
        return len(await command("held", "list", DOMAIN, "--reason", "quarantined", "--for", cid.address)) == 1

    await until(held)
    [row] = await command("held", "list", DOMAIN)
    assert row["queue_id"] == queue_id
    shown = await command("held", "show", DOMAIN, queue_id)
    assert "Subject: suspicious" in shown["header"]
    assert shown["text"] == "A few words."
    assert shown["authentication"].startswith("spf=pass")
    assert await asyncio.to_thread(mail.found, cid, "INBOX") == []
    assert (await command("ledger", "audit"))["counts"]["quarantined"] == 1
    await command("held", "release", DOMAIN, queue_id)
    await arrives(mail, cid, "INBOX", "suspicious")
    assert await command("held", "list", DOMAIN) == []

    # It is told what happened, and everything is accounted for.
    trail: dict[str, Any] = {}

    async def told() -> bool:
        """Trace events come a moment behind what they tell of."""
        trail.update(await command("trace", queue_id))
        verdicts = [event["details"].get("verdict") for event in trail["events"] if event["stage"] == "delivery"]
        return verdicts == ["quarantine", "accept"]

    await until(told)
    assert [event["outcome"] for event in trail["events"] if event["stage"] == "held"] == ["released"]
    audit = await command("ledger", "audit")
    assert audit["unaccounted"] == []
    assert (audit["counts"]["accepted"], audit["counts"]["stored"], audit["counts"]["quarantined"]) == (5, 5, 0)
    assert len(await asyncio.to_thread(mail.found, cid, "INBOX")) == 1
