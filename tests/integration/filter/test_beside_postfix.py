"""`posthouse filter serve` beside a real Postfix: the same filter as a milter and over HTTP."""

import asyncio
import json
import smtplib
import time
from collections.abc import AsyncIterator
from email import message_from_bytes
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
import pytest_asyncio

from harness.dns_server import DnsServer
from harness.ports import free_port
from harness.postfix import Postfix
from harness.posthouse_process import PosthouseProcess
from harness.process import ServerFailed
from harness.signed_mail import ed25519_key, key_record
from harness.spam_mail import ham, small_model, spam
from harness.waiting import until
from posthouse.mailauth.dkim.message import SignedMessage
from posthouse.mailauth.dkim.sign import sign
from posthouse.spam.models.model_file import dump

CLIENT = "192.0.2.7"
SENDER = "ann@example.net"


class Beside(PosthouseProcess):
    """The filter, with the settings that a test adds."""

    def __init__(self, run_dir: Path, dns: int) -> None:
        model = run_dir / "small.model"
        model.write_bytes(dump(small_model()))
        self.milter_port = free_port()
        super().__init__("posthouse.cli", "beside", run_dir, [])
        settings = (
            f"filter.model={model}",
            "filter.score_memory=2GiB",
            "filter.score_timeout=60s",
            f"dns.upstreams=127.0.0.1:{dns}",
            "dns.timeout=20s",
            "dns.deadline=60s",
            "authentication.deadline=60s",
            "milter.deadline=200s",
            "smtp.hostname=mail.example.org",
            "telemetry.log_format=json",
        )
        self.fixed = ["filter", "serve", "--milter", f"127.0.0.1:{self.milter_port}", "--http", "127.0.0.1:0"]
        self.fixed += [f"--set={each}" for each in settings]
        self.configure()

    def configure(self, *settings: str) -> None:
        """For the next start."""
        self.arguments = [*self.fixed, *(f"--set={each}" for each in settings)]

    def check(self, message: bytes, *, token: str = "", **parameters: str) -> Any:
        host, port = self.listener("http")
        url = f"http://{host}:{port}/check?{urlencode(parameters)}"
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with urlopen(Request(url, message, headers), timeout=120) as answer:
            return json.load(answer)


@pytest_asyncio.fixture
async def beside(tmp_path: Path) -> AsyncIterator[Beside]:
    zones = {
        "example.net": {"TXT": ['"v=spf1 ip4:192.0.2.7 -all"']},
        "_dmarc.example.net": {"TXT": ['"v=DMARC1; p=reject"']},
        "s._domainkey.example.net": {"TXT": [f'"{key_record(ed25519_key())}"']},
    }
    async with DnsServer(zones) as dns:
        process = Beside(tmp_path, dns.port)
        await asyncio.to_thread(process.start)
        yield process
        if process.running:
            await asyncio.to_thread(process.stop)


@pytest_asyncio.fixture
async def postfix(beside: Beside) -> AsyncIterator[Postfix]:
    running = await asyncio.to_thread(Postfix, f"inet:127.0.0.1:{beside.milter_port}")
    try:
        await asyncio.to_thread(running.start)
        yield running
    finally:
        await asyncio.to_thread(running.remove)


def send(postfix: Postfix, message: bytes, *, sender: str = SENDER, client: str = CLIENT) -> tuple[int, str]:
    """The reply to the message."""
    with smtplib.SMTP("127.0.0.1", postfix.port, timeout=120) as smtp:
        smtp.ehlo()
        assert smtp.docmd("XCLIENT", f"ADDR={client}")[0] == 220
        smtp.ehlo("mail.example.net")
        code, text = smtp.mail(sender)
        if code == 250:
            code, text = smtp.rcpt("you@example.org")
        if code == 250:
            code, text = smtp.data(message)
        return code, text.decode()


def signed(message: bytes) -> bytes:
    """In the form that forgives nothing: every blank and line end counts."""
    return (
        sign(
            SignedMessage(message),
            domain="example.net",
            selector="s",
            key=ed25519_key(),
            timestamp=int(time.time()),
            header_form="simple",
            body_form="simple",
        )
        + message
    )


def odd_ham() -> bytes:
    """With what a careless milter would change: blanks, tabs, folded and empty values, dots, trailing blank lines."""
    return (
        b"From:  Ann   Person <ann@example.net>\r\nTo:\tyou@example.org\r\nSubject:   Re: meeting\r\n\t  report  \r\n"
        b"X-Empty:\r\nDate: Tue, 1 Jul 2025 11:00:00 +0000\r\nMessage-ID: <odd@example.net>\r\n\r\n"
        b"..meeting report patch compile tuesday\r\n.\r\n  lunch review draft kernel schedule \r\n\r\n\r\n"
    )


async def test_mail_through_postfix_gets_our_fields_and_no_others(beside: Beside, postfix: Postfix) -> None:
    forged = (
        b"X-Posthouse-Spam: no score=-99.0 verdict=accept\r\n"
        b"Authentication-Results: other.example; spf=pass smtp.mailfrom=example.net\r\n"
        b"Authentication-Results: mail.example.org;\r\n\tdmarc=pass header.from=bank.example\r\n"
        b"Authentication-Results : mail.example.org; dkim=pass header.d=bank.example\r\n"
        b"X-Posthouse-Spam\t: no\r\n"
    )
    code, text = await asyncio.to_thread(send, postfix, forged + signed(odd_ham()))
    assert code == 250, text
    await until(postfix.delivered)
    [octets] = postfix.delivered()
    message = message_from_bytes(octets)
    ours, other = message.get_all("Authentication-Results", [])
    assert ours.startswith("mail.example.org;")
    for result in ("spf=pass", "dkim=pass", "dmarc=pass"):
        assert result in ours, ours
    assert other.startswith("other.example;")
    [verdict] = message.get_all("X-Posthouse-Spam", [])
    assert verdict.startswith("no score=")
    assert octets.index(b"Authentication-Results: mail.example.org") < octets.index(b"Received:")
    assert beside.metric("posthouse_milter_messages_total", action="accept") == 1


async def test_spam_is_marked_held_or_refused_as_configured(beside: Beside, postfix: Postfix) -> None:
    junk = spam(700)
    answer = await asyncio.to_thread(beside.check, junk, ip="203.0.113.9", **{"from": "win@offer.example.biz"})
    assert answer["verdict"] == "junk"
    assert answer["score"] >= answer["threshold"]
    assert sum(each["contribution"] for each in answer["reasons"]) == pytest.approx(answer["score"], abs=1e-3)
    assert answer["headers"][-1]["value"].startswith("yes score=")

    assert (await asyncio.to_thread(send, postfix, junk))[0] == 250
    await until(postfix.delivered)
    assert b"\nX-Posthouse-Spam: yes score=" in postfix.delivered()[0]

    threshold = answer["threshold"]
    for setting, expected in (("quarantine", 250), ("reject", 550)):
        beside.configure(f"milter.{setting}={threshold:.3f}")
        await asyncio.to_thread(beside.restart)
        code, text = await asyncio.to_thread(send, postfix, junk)
        assert code == expected, text
        assert (await asyncio.to_thread(send, postfix, ham(700)))[0] == 250
    assert text.startswith("5.7.1 Message refused by policy: ")
    assert postfix.on_hold() == 1
    await until(lambda: len(postfix.delivered()) == 3)


async def test_without_the_filter_postfix_does_as_it_is_told(beside: Beside, postfix: Postfix) -> None:
    await asyncio.to_thread(beside.kill)
    code, text = await asyncio.to_thread(send, postfix, ham(701))
    assert code == 451, text  # milter_default_action = tempfail
    await asyncio.to_thread(beside.start)
    assert (await asyncio.to_thread(send, postfix, ham(701)))[0] == 250


async def test_over_http(beside: Beside) -> None:
    found = await asyncio.to_thread(
        beside.check, signed(odd_ham()), ip=CLIENT, helo="mail.example.net", rcpt="you@example.org", **{"from": SENDER}
    )
    assert (found["action"], found["verdict"]) == ("accept", "accept")
    assert found["authentication"]["spf"] == "pass"
    assert found["authentication"]["dkim"] == [{"result": "pass", "domain": "example.net"}]
    assert found["authentication"]["dmarc"] == "pass"
    large = signed(odd_ham() + b"x" * 70 + b"\r\n" * 1_500_000)
    found = await asyncio.to_thread(beside.check, large, ip=CLIENT, **{"from": SENDER})
    assert found["authentication"]["dmarc"] == "pass"
    assert await asyncio.to_thread(beside.get, "/readyz")
    assert beside.metric("posthouse_checked_messages_total", action="accept") == 2


async def test_over_http_with_a_token(beside: Beside, tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("s3cret")
    secret.chmod(0o600)
    config = tmp_path / "filter.toml"
    config.write_text(f'[milter]\ntoken_file = "{secret}"\n[kafka]\nbootstrap = ["127.0.0.1:1"]\n')
    beside.arguments = [*beside.fixed, f"--config={config}"]
    await asyncio.to_thread(beside.restart)
    with pytest.raises(HTTPError, match="401"):
        await asyncio.to_thread(beside.check, ham(1), token="wrong")
    assert (await asyncio.to_thread(beside.check, ham(1), token="s3cret"))["action"] == "accept"
    with pytest.raises(HTTPError, match="400"):
        await asyncio.to_thread(beside.check, ham(1), token="s3cret", sender="x")


RULES = """
[[rule]]
name = "LOTTERY"
description = "Mail that promises a prize"
where = "header:Subject"
matches = 'prize'
verdict = "reject"
"""


async def test_rules_of_ones_own(beside: Beside, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(RULES)
    beside.configure(f"milter.rules={rules}")
    await asyncio.to_thread(beside.restart)
    message = ham(1).replace(b"Subject: ", b"Subject: your prize ")
    found = await asyncio.to_thread(beside.check, message)
    assert (found["action"], found["why"][0]) == ("reject", "rule:LOTTERY")
    rules.write_text(RULES.replace("matches", "machtes"))
    await asyncio.to_thread(beside.stop)
    with pytest.raises(ServerFailed, match="perhaps 'matches'"):
        await asyncio.to_thread(beside.start)
