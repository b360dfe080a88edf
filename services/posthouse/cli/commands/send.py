"""`posthouse send`."""

from __future__ import annotations

import asyncio
import ipaddress
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from posthouse.cli.commands.trace import render
from posthouse.cli.desk import Desk
from posthouse.cli.exits import FAILED, UNAVAILABLE, CommandError
from posthouse.cli.options import ADDRESS, DURATION, read_password, stores
from posthouse.cli.output import clean
from posthouse.cli.show import show

if TYPE_CHECKING:
    import smtplib
    import ssl

CONNECT = 10.0
ANSWER = 120.0
"""Seconds."""
_QUEUED = re.compile(rb"queued as ([0-9a-z]{26})\b")


@click.command(
    epilog="""\b
Examples:
  posthouse send --to alice@example.org
  posthouse send --to alice@example.org --to bob@example.org --file message.eml
  posthouse send --to bob@example.org --login alice@example.org --password-file pw
  posthouse send --to alice@example.org --config cluster.toml --via mx.example.org:25"""
)
@click.option("--to", "rcpts", type=ADDRESS, multiple=True, required=True, help="Recipient; may be repeated.")
@click.option(
    "--from",
    "sender",
    metavar="ADDRESS",
    help="Sender; empty for the null sender.  [default: --login, or postmaster@ of the first recipient's domain]",
)
@click.option("--subject", default="A test message from posthouse send", show_default=True, help="Of the message made.")
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Send this message instead.")
@click.option("--via", metavar="HOST:PORT", help="SMTP server.  [default: the Posthouse that runs on --data]")
@click.option("--login", metavar="ADDRESS", help="Log in, over STARTTLS, at the submission listener instead of mx.")
@click.option(
    "--password-file",
    type=click.File("r", encoding="utf-8"),
    metavar="FILE",
    help="Password of --login, `-` for standard input.",
)
@click.option("--wait", type=DURATION, default="30s", show_default=True, help="For delivery; 0 does not wait.")
@stores
def send(
    desk: Desk,
    rcpts: tuple[str, ...],
    sender: str | None,
    subject: str,
    file: Path | None,
    via: str | None,
    login: str | None,
    password_file: Any,
    wait: float,
) -> None:
    """Send a test message by SMTP and watch it arrive.

    Prints the queue id, then the way of the message once every delivery has ended. Exits 1 where a recipient or the
    message is refused, 3 where it is deferred or not delivered in time.
    """
    if (login is None) != (password_file is None):
        raise click.UsageError("--login and --password-file go together")
    password = read_password(password_file)
    host, port = _address(via) if via is not None else _listener(desk, "mx" if login is None else "submission")
    if sender is None:
        sender = login or f"postmaster@{rcpts[0].rpartition('@')[2]}"
    octets = file.read_bytes() if file is not None else _message(sender, rcpts, subject)
    credentials = None if login is None or password is None else (login, password)
    queue_id = _transmit(desk, host, port, sender, rcpts, octets, credentials)
    if not desk.as_json:
        click.echo(f"Accepted as {queue_id} by {host}:{port}.")
    if wait == 0:
        show(desk, {"queue_id": queue_id}, str)
        return
    found = desk.wait(_follow(desk, queue_id, wait))
    show(desk, found, lambda: "\n" + render(found))
    if not found["ended"]:
        raise CommandError(f"not delivered within {wait:g} s", UNAVAILABLE, "NotDelivered", as_json=desk.as_json)
    if any(delivery["state"] != "stored" for delivery in found["deliveries"]):
        raise CommandError("not every delivery is stored", FAILED, "NotStored", as_json=desk.as_json)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise click.UsageError(f"--via takes HOST:PORT, not {text!r}")
    return host.strip("[]"), int(port)


def _listener(desk: Desk, name: str) -> tuple[str, int]:
    listeners = desk.run("status")["process"].get("listeners", {})
    if name not in listeners:
        raise CommandError(
            "no Posthouse is running there: start one with `posthouse up`, or name an SMTP server with --via",
            UNAVAILABLE,
            "NotRunning",
            as_json=desk.as_json,
        )
    return _address(listeners[name])


def _message(sender: str, rcpts: tuple[str, ...], subject: str) -> bytes:
    from email import policy
    from email.message import EmailMessage
    from email.utils import formatdate, make_msgid

    message = EmailMessage(policy=policy.SMTP)
    message["From"] = sender or f"postmaster@{rcpts[0].rpartition('@')[2]}"
    message["To"] = ", ".join(rcpts)
    message["Subject"] = subject
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain="posthouse.invalid")
    message.set_content("This is a test message, sent by `posthouse send`.\n")
    return message.as_bytes()


def _transmit(
    desk: Desk,
    host: str,
    port: int,
    sender: str,
    rcpts: tuple[str, ...],
    octets: bytes,
    credentials: tuple[str, str] | None,
) -> str:
    """The queue id of the 250; ends the command for any other answer."""
    import smtplib

    def check(what: str, answer: tuple[int, bytes]) -> bytes:
        code, text = answer
        if code // 100 not in (2, 3):
            message = f"{what}: {code} {clean(text.decode('utf-8', 'replace'))}"
            raise CommandError(
                message, UNAVAILABLE if code // 100 == 4 else FAILED, "SmtpRefused", as_json=desk.as_json
            )
        return text

    try:
        with smtplib.SMTP(host, port, timeout=CONNECT) as client:
            client.ehlo_or_helo_if_needed()
            # The deadline of the server for making the message durable, and more.
            if client.sock is not None:
                client.sock.settimeout(ANSWER)
            if credentials is not None:
                _log_in(client, host, credentials)
            check(f"sender <{sender}>", client.mail(sender))
            for rcpt in rcpts:
                check(f"recipient <{rcpt}>", client.rcpt(rcpt))
            answer = check("message", client.data(octets))
    except smtplib.SMTPAuthenticationError as error:
        check("login", (error.smtp_code, error.smtp_error if isinstance(error.smtp_error, bytes) else b""))
        raise
    except (OSError, smtplib.SMTPException) as error:
        raise CommandError(
            f"{host}:{port}: {clean(str(error))}", UNAVAILABLE, type(error).__name__, as_json=desk.as_json
        ) from error
    found = _QUEUED.search(answer)
    if found is None:
        raise CommandError(
            f"accepted, but {host}:{port} is no Posthouse: {clean(answer.decode('utf-8', 'replace'))}",
            FAILED,
            "NoQueueId",
            as_json=desk.as_json,
        )
    return found[1].decode()


def _log_in(client: smtplib.SMTP, host: str, credentials: tuple[str, str]) -> None:
    if client.has_extn("starttls"):
        client.starttls(context=_tls(host))
        client.ehlo()
    client.login(*credentials)


def _tls(host: str) -> ssl.SSLContext:
    """On this machine the certificate may be the one that `posthouse up` signed itself; elsewhere it is checked."""
    import ssl

    context = ssl.create_default_context()
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if local:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def _follow(desk: Desk, queue_id: str, seconds: float) -> Any:
    """The trail once every delivery has ended, or as it stands after `seconds`."""
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + seconds, 0.05
    while True:
        found = await desk.answer("trace", {"message": queue_id})
        # The delivery's event is written just behind its commit: without it the timeline would lack its end.
        told = {event["delivery"] for event in found["events"] if event["stage"] == "delivery"}
        ended = found["ended"] and all(delivery["delivery"] in told for delivery in found["deliveries"])
        if ended or loop.time() + pause > deadline:
            return found
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 1.0)
