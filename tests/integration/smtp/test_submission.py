"""submission over loopback: logins, names, caps, the whole way of a user's mail."""

import ssl
from base64 import b64encode
from email.message import EmailMessage

import aiosmtplib
import pytest

from harness.smtp_server import HOSTNAME, Client, Running, server_certificate
from harness.submission_server import PASSWORD, submission
from harness.waiting import until
from posthouse.model.errors import Unavailable

MESSAGE = b"From: Alice <alice@example.org>\r\nDate: now\r\nMessage-ID: <x@y>\r\nSubject: hi\r\n\r\nhello\r\n"
PLAIN = b64encode(b"\0alice@example.org\0" + PASSWORD.encode()).decode()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return server_certificate(tmp_path_factory.mktemp("tls"))


async def logged_in(running: Running) -> Client:
    client = await Client.open(running.port)
    assert (await client.say(f"AUTH PLAIN {PLAIN}")).startswith("235 2.7.0")
    return client


async def test_auth_only_under_tls(certificate: ssl.SSLContext) -> None:
    async with submission(certificate) as running:
        client = await Client.open(running.port, greet=False)
        assert "AUTH" not in await client.say("EHLO x")
        assert (await client.say(f"AUTH PLAIN {PLAIN}")).startswith("538 5.7.11")
        assert (await client.say("MAIL FROM:<alice@example.org>")).startswith("530 5.7.0")
        await client.starttls()
        assert "AUTH PLAIN LOGIN" in await client.say("EHLO x")
        assert (await client.say(f"AUTH PLAIN {PLAIN}")).startswith("235")
        assert (await client.say(f"AUTH PLAIN {PLAIN}")).startswith("503")
        assert (await client.mail(MESSAGE, "alice@example.org", "bob@example.org")).startswith("250")
        accepted = running.accepted[0]
        assert accepted.origin == "submission"
        assert accepted.peer.login == "alice@example.org"
        assert b"with ESMTPSA id" in running.messages()[0]
        assert running.spans.spans()[0].name == "submission.transaction"


async def test_who_and_kick(certificate: ssl.SSLContext) -> None:
    async with submission(certificate) as running:
        client = await Client.open(running.port)
        await client.starttls()
        await client.say("EHLO x")
        assert len(running.sessions) == 0
        await client.say(f"AUTH PLAIN {PLAIN}")
        (session,) = running.sessions.list()
        assert (session.login, session.protocol, session.peer_ip) == ("alice@example.org", "submission", "127.0.0.1")
        assert session.tls.startswith("TLSv1.3")
        assert running.sessions.kick("alice@example.org") == 1
        assert (await client.reply()).startswith("421")
        assert await client.closed()
        await until(lambda: running.server.connections == 0)  # it may see the end a moment later
        assert len(running.sessions) == 0


@pytest.mark.parametrize("mechanism", ["plain", "LOGIN"])
async def test_mechanisms_with_challenges(mechanism: str) -> None:
    async with submission(insecure=True) as running:
        client = await Client.open(running.port)
        answers = [PLAIN] if mechanism == "plain" else [b64encode(b"alice@example.org"), b64encode(PASSWORD.encode())]
        assert (await client.say(f"AUTH {mechanism}")).startswith("334")
        for answer in answers:
            reply = await client.say(answer if isinstance(answer, str) else answer.decode())
        assert reply.startswith("235")


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        (["AUTH"], "501"),
        (["AUTH CRAM-MD5"], "504"),
        (["AUTH PLAIN ***"], "501"),
        (["AUTH PLAIN =", ""], "501"),
        (["AUTH PLAIN", "*"], "501 5.7.0"),
        (["AUTH LOGIN", "YWxpY2U=", "*"], "501 5.7.0"),
        (["AUTH PLAIN " + b64encode(b"\0alice@example.org\0wrong").decode()], "535 5.7.8"),
        (["AUTH PLAIN " + b64encode(b"\0nobody@example.org\0wrong").decode()], "535 5.7.8"),
        (["AUTH PLAIN " + b64encode(b"bob@example.org\0alice@example.org\0" + PASSWORD.encode()).decode()], "535"),
        (["AUTH PLAIN", "x" * 13_000], "500 5.5.6"),
    ],
)
async def test_failed_logins(lines: list[str], reply: str) -> None:
    async with submission(insecure=True) as running:
        client = await Client.open(running.port)
        for line in lines:
            answer = await client.say(line)
            if answer.startswith(reply):
                break
        assert answer.startswith(reply)
        if not reply.startswith("500"):
            assert (await client.say("MAIL FROM:<alice@example.org>")).startswith("530")


async def test_a_long_initial_response_fits() -> None:
    async with submission(insecure=True) as running:
        client = await Client.open(running.port)
        assert (await client.say("AUTH PLAIN " + "A" * 12_000)).startswith("501")


async def test_an_unreachable_directory_is_temporary() -> None:
    async with submission(insecure=True) as running:
        client = await Client.open(running.port)
        running.directory.fail = Unavailable("down")
        assert (await client.say(f"AUTH PLAIN {PLAIN}")).startswith("451")
        running.directory.fail = None
        assert (await client.say(f"AUTH PLAIN {PLAIN}")).startswith("235")


async def test_guessing_is_throttled() -> None:
    async with submission(insecure=True) as running:
        client = await Client.open(running.port)
        wrong = b64encode(b"\0alice@example.org\0wrong").decode()
        replies = [(await client.say(f"AUTH PLAIN {wrong}"))[:9] for _ in range(11)]
        assert replies == ["535 5.7.8"] * 10 + ["454 4.7.0"]


async def test_no_names_but_ones_own() -> None:
    async with submission(insecure=True) as running:
        client = await logged_in(running)
        assert (await client.say("MAIL FROM:<bob@example.org>")).startswith("550 5.7.1")
        for field in (b"From: bob@example.org\r\n", b"From: alice@example.org\r\nSender: bob@example.org\r\n"):
            reply = await client.mail(field + b"\r\nx\r\n", "alice@example.org", "bob@example.org")
            assert reply.startswith("550 5.7.1")
        assert (await client.mail(b"Subject: x\r\n\r\n", "alice@example.org")).startswith("550 5.6.0")
        assert (await client.mail(MESSAGE, "", "bob@example.org")).startswith("250")
        assert (await client.mail(MESSAGE, "alice+tag@example.org", "bob@example.org")).startswith("250")
        assert len(running.accepted) == 2


async def test_no_relay() -> None:
    async with submission(insecure=True) as running:
        client = await logged_in(running)
        await client.say("MAIL FROM:<alice@example.org>")
        assert await client.say("RCPT TO:<x@remote.example>") == "550 5.7.1 relay is not configured"


async def test_caps() -> None:
    async with submission(insecure=True, messages=2) as running:
        running.directory.add("carol@example.org")
        running.directory.add("dave@example.org")
        client = await logged_in(running)
        await client.envelope("alice@example.org", "alice@example.org", "bob@example.org", "carol@example.org")
        assert (await client.say("RCPT TO:<dave@example.org>")).startswith("451 4.7.1")
        await client.say("RSET")
        for _ in range(2):
            assert (await client.mail(MESSAGE, "alice@example.org", "bob@example.org")).startswith("250")
        assert (await client.say("MAIL FROM:<alice@example.org>")).startswith("451 4.7.1")


async def test_date_and_message_id_are_added() -> None:
    async with submission(insecure=True) as running:
        client = await logged_in(running)
        await client.mail(b"From: alice@example.org\r\n\r\nx\r\n", "alice@example.org", "bob@example.org")
        header = running.messages()[0].partition(b"\r\n\r\n")[0]
        assert f"\r\nMessage-ID: <{running.accepted[0].queue_id}@{HOSTNAME}>\r\nFrom:".encode() in header
        assert header.count(b"\r\nDate: ") == 1


async def test_aiosmtplib(certificate: ssl.SSLContext) -> None:
    async with submission(certificate) as running:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "alice@example.org", "bob@example.org", "hi"
        message.set_content("hello\n.\nthere\n")
        refused, reply = await aiosmtplib.send(
            message,
            hostname="127.0.0.1",
            port=running.port,
            start_tls=True,
            validate_certs=False,
            username="alice@example.org",
            password=PASSWORD,
        )
        assert refused == {}
        assert running.accepted[0].queue_id in reply
        assert running.messages()[0].endswith(b"hello\r\n.\r\nthere\r\n")
