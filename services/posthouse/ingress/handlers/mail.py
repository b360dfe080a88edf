"""MAIL: a transaction begins, and with it the queue_id and the trace of the message."""

from __future__ import annotations

from posthouse.ingress.connection import SmtpConnection
from posthouse.ingress.session import Transaction
from posthouse.model.ids import queue_id_octets
from posthouse.protocol.smtp import replies
from posthouse.protocol.smtp.paths import parse_mail
from posthouse.protocol.smtp.replies import Refused
from posthouse.protocol.smtp.verbs import Phase


async def mail(connection: SmtpConnection, argument: bytes) -> None:
    server, client = connection.server, connection.client
    listener = server.listener
    if listener.require_tls and not client.tls and server.tls is not None:
        raise Refused(replies.TLS_FIRST)
    if server.policy.mechanisms and client.account is None:
        raise Refused(replies.AUTH_FIRST)
    if client.messages >= listener.limits.messages:
        raise Refused(replies.TOO_MANY_MESSAGES)
    path = parse_mail(argument, server.mail_parameters)
    if path.size > listener.limits.message_size:
        raise Refused(replies.SIZE_EXCEEDED)
    server.gate.check()
    await server.policy.sender(client, path)
    queue_id = server.ids.queue_id()
    span = server.tracer.start(
        "mx.transaction" if server.policy.origin == "mx" else "submission.transaction",
        trace_id=queue_id_octets(queue_id),
    )
    span.set("posthouse.queue_id", queue_id)
    connection.transaction = Transaction(queue_id, span, path)
    client.messages += 1
    client.phase = Phase.MAIL
    connection.reply(replies.SENDER_OK)
