"""The server fed with octets made of what it knows, cut anywhere: it answers, in order, and never crashes.

Oracle: every reply is a well-formed line; "421 4.3.0 Internal error" and a logged crash never happen; what is accepted
was between DATA and its end in what was sent; the connection ends when the client has gone.
"""

import asyncio
import logging
import re
from base64 import b64encode
from contextlib import AbstractAsyncContextManager
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.smtp_server import PATIENCE, Running, smtp_server
from harness.submission_server import PASSWORD, submission
from harness.waiting import until
from posthouse.ingress.limits import Limits

PLAIN = b64encode(b"\0alice@example.org\0" + PASSWORD.encode())
LIMITS = Limits(message_size=2000, errors=1000)
PIECES = st.one_of(
    st.sampled_from(
        [
            b"EHLO x\r\n",
            b"HELO y\r\n",
            b"MAIL FROM:<>\r\n",
            b"MAIL FROM:<a@b.example> SIZE=10\r\n",
            b"RCPT TO:<alice@example.org>\r\n",
            b"RCPT TO:<bob@example.org>\r\n",
            b"RCPT TO:<nobody@example.org>\r\n",
            b"DATA\r\n",
            b"Subject: x\r\n\r\n..body\r\n.\r\n",
            b".\r\n",
            b"RSET\r\n",
            b"NOOP\r\n",
            b"VRFY x\r\n",
            b"AUTH PLAIN\r\n",
            b"AUTH\r\n",
            b"AUTH LOGIN\r\n",
            b"AUTH PLAIN " + PLAIN + b"\r\n",
            PLAIN + b"\r\n",
            b"*\r\n",
            b"MAIL FROM:<alice@example.org> AUTH=<>\r\n",
            b"From: alice@example.org\r\n\r\n.\r\n",
            b"STARTTLS\r\n",
            b"QUIT\r\n",
            b"\r\n",
            b"\n",
            b"\r",
            b"\0",
            b"x" * 600,
            b"MAIL FROM:<",
        ]
    ),
    st.binary(max_size=20),
)
REPLY = re.compile(rb"[2-5][0-9]{2}(?: |-)[ -~]*\r\n")


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=25), st.lists(st.integers(0, 3000), max_size=6))
def test_mx(pieces: list[bytes], cuts: list[int]) -> None:
    asyncio.run(converse(smtp_server(limits=LIMITS), b"".join(pieces), cuts))


@settings(max_examples=100, deadline=None)
@given(st.booleans(), st.lists(PIECES, max_size=25), st.lists(st.integers(0, 3000), max_size=6))
def test_submission(logged_in: bool, pieces: list[bytes], cuts: list[int]) -> None:
    start = b"EHLO x\r\nAUTH PLAIN " + PLAIN + b"\r\n" if logged_in else b""
    asyncio.run(converse(submission(insecure=True, limits=LIMITS), start + b"".join(pieces), cuts))


async def converse(server: AbstractAsyncContextManager[Running], octets: bytes, cuts: list[int]) -> None:
    async with server as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        places = sorted({0, len(octets), *(c for c in cuts if c < len(octets))})
        for start, end in pairwise(places):
            writer.write(octets[start:end])
            await asyncio.sleep(0)
        writer.write_eof()
        said = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        lines = said.splitlines(keepends=True)
        assert lines[0].startswith(b"220 ")
        assert all(REPLY.fullmatch(line) for line in lines)
        assert b"Internal error" not in said
        assert len(running.accepted) == said.count(b"queued as")
        assert said.count(b"354 ") >= len(running.accepted)
        for message in running.messages():
            assert message.startswith(b"Received: from ")
        await until(lambda: running.server.connections == 0)


@pytest.fixture(autouse=True)
def _no_crash(caplog: pytest.LogCaptureFixture):
    yield
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
