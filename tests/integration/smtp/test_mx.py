"""The SMTP server as mx runs it, over loopback."""

from harness.smtp_server import HOSTNAME, Client, smtp_server

MESSAGE = b"From: a@remote.example\r\nSubject: hi\r\n\r\nhello\r\n"


async def test_a_message_is_accepted_with_its_queue_id_everywhere() -> None:
    async with smtp_server() as running:
        client = await Client.open(running.port)
        reply = await client.mail(MESSAGE)
        accepted = running.accepted[0]
        assert reply == f"250 2.0.0 Ok: queued as {accepted.queue_id}"
        record = running.log.records[0]
        assert record.key == accepted.queue_id.encode()
        assert dict(record.headers)["queue_id"] == accepted.queue_id.encode()
        span = running.spans.spans()[0]
        assert dict(record.headers)["traceparent"] == span.context.traceparent.encode()
        octets = running.messages()[0]
        assert octets.startswith(
            b"Received: from client.example.org ([127.0.0.1])\r\n\tby %b with ESMTP id %b"
            % (HOSTNAME.encode(), accepted.queue_id.encode())
        )
        assert b"for <alice@example.org>;" in octets
        assert octets.endswith(MESSAGE)
        assert accepted.envelope.reverse_path == "a@remote.example"
        assert [rcpt.target for rcpt in accepted.envelope.rcpts] == ["alice@example.org"]
        assert accepted.peer.ip == "127.0.0.1"
        assert (await client.say("QUIT")).startswith("221")
        assert await client.closed()
