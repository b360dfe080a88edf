"""What `posthouse up --demo` shows: a real message through the SMTP port, its timeline, how to connect a client."""

from __future__ import annotations

import asyncio
import imaplib
import smtplib
import ssl
from collections.abc import Mapping
from importlib.resources import files

import click

from posthouse.cli.platform import Platform
from posthouse.ledger.timeline import timeline
from posthouse.model.errors import MailError
from posthouse.model.ids import QueueId
from posthouse.runtime.component import Service
from posthouse.telemetry.logging import EventLogger

log = EventLogger("posthouse.cli.demo")

FETCH_WITHIN = 10.0
"""Seconds."""


class Demo(Service):
    """Waits until everything is ready, then sends, fetches and tells; after that it only waits for the end."""

    name = "demo"

    def __init__(self, platform: Platform, domain: str) -> None:
        self._platform = platform
        self._domain = domain
        self._ended = asyncio.Event()

    async def run(self) -> None:
        await self._platform.process.lifecycle.became_ready.wait()
        try:
            await self._show()
        except (OSError, smtplib.SMTPException, imaplib.IMAP4.error, MailError, TimeoutError) as e:
            log.warning("the demonstration did not finish; the platform runs on", error=str(e))
        await self._ended.wait()

    async def drain(self) -> None:
        self._ended.set()

    async def _show(self) -> None:
        addresses = {name: address() for name, address in self._platform.listeners.items()}
        alice = next(it for it in self._platform.accounts if (it["address"] or "").startswith("alice@"))
        queue_id = await asyncio.to_thread(_send, addresses["mx"], self._domain)
        click.echo(f"\nA message went in at {addresses['mx']} and was accepted as {queue_id}.")
        password = alice["password"]
        if password is not None:
            count = await asyncio.to_thread(_fetch, addresses["imaps"], alice["address"] or "", password, queue_id)
            click.echo(f"An IMAP client fetched it at {addresses['imaps']} ({count} octets). How it travelled:\n")
        else:
            click.echo("How it travelled (the accounts are those of an earlier start, and so are their passwords):\n")
        await self._tell_timeline(queue_id, fetched=password is not None)
        self._tell_settings(addresses)

    async def _tell_timeline(self, queue_id: QueueId, *, fetched: bool) -> None:
        platform, adapters = self._platform, self._platform.embedded.adapters
        async with asyncio.timeout(FETCH_WITHIN):
            while True:
                way = await timeline(queue_id, adapters.log, adapters.mail_store, platform.held, adapters.clock)
                stages = {event.stage for event in way.events}
                if "delivery" in stages and ("imap" in stages or not fetched):
                    break
                await adapters.clock.sleep(0.05)
        start = way.events[0].at_us
        for event in way.events:
            details = _told(event.details)
            click.echo(f"  {(event.at_us - start) / 1000:9.1f} ms  {event.stage:<9} {event.outcome:<9} {details}")

    def _tell_settings(self, addresses: dict[str, str]) -> None:
        host = addresses["imap"].rpartition(":")[0]
        port = {name: address.rpartition(":")[2] for name, address in addresses.items()}
        click.echo("\nAccounts:")
        for account in self._platform.accounts:
            password = account["password"] or "(set at an earlier start; `posthouse account passwd` makes a new one)"
            click.echo(f"  {account['address']:<24} {password}")
        click.echo(
            f"""
Settings for a mail client (self-signed certificate: accept it once):
  IMAP   {host}  port {port["imaps"]} SSL/TLS   (or {port["imap"]} STARTTLS)
  SMTP   {host}  port {port["submissions"]} SSL/TLS   (or {port["submission"]} STARTTLS)
  mutt -f imaps://alice%40{self._domain}@{host}:{port["imaps"]}/
  swaks --server {host}:{port["mx"]} --to bob@{self._domain} --from you@example.org

Where is my mail?  posthouse trace <queue-id>     Is all mail accounted for?  posthouse ledger audit
Ctrl-C ends the platform; the mail stays.
"""
        )


def _told(details: Mapping[str, str | int | float]) -> str:
    """Details of an event for people: durations in ms."""
    words = [
        f"{name.removesuffix('_us')}={value / 1000:.1f}ms"
        if name.endswith("_us") and isinstance(value, int)
        else f"{name}={value}"
        for name, value in details.items()
        if name != "process"
    ]
    return "  ".join(words)


def _send(mx: str, domain: str) -> QueueId:
    """The queue_id of the 250."""
    octets = files("posthouse.cli").joinpath("demo.eml").read_bytes().replace(b"@DOMAIN@", domain.encode())
    octets = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    host, _, port = mx.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=30) as client:
        client.ehlo("demo.invalid")
        client.mail("hello@posthouse.invalid")
        client.rcpt(f"alice@{domain}")
        code, reply = client.data(octets)
    if code != 250:
        raise smtplib.SMTPDataError(code, reply)
    return QueueId(reply.decode().split()[-1])


def _fetch(imaps: str, login: str, password: str, queue_id: QueueId) -> int:
    """Octets of the message, once a client has found it."""
    host, _, port = imaps.rpartition(":")
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # our own certificate, on loopback
    with imaplib.IMAP4_SSL(host, int(port), ssl_context=context, timeout=FETCH_WITHIN) as client:
        client.login(login, password)
        for _ in range(200):
            client.select("INBOX")
            _, [found] = client.search(None, "HEADER", "Received", queue_id)
            if found:
                _, parts = client.fetch(found.split()[-1].decode(), "(BODY.PEEK[])")
                part = parts[0]
                assert isinstance(part, tuple)
                return len(part[1])
            client.noop()
    raise TimeoutError("the message did not arrive")
