"""MAIL: a transaction begins, and with it the queue_id and the trace of the message."""

from __future__ import annotations

from posthouse.ingress.connection import SmtpConnection
from posthouse.ingress.session import Transaction
from posthouse.model.errors import MailError
from posthouse.model.ids import QueueId, queue_id_octets
from posthouse.protocol.smtp import replies
from posthouse.protocol.smtp.paths import parse_mail
from posthouse.protocol.smtp.replies import Refused, Reply, reply_to
from posthouse.protocol.smtp.verbs import Phase
from posthouse.telemetry.logging import EventLogger, log_context

log = EventLogger("posthouse.ingress.mail")


async def mail(connection: SmtpConnection, argument: bytes) -> None:
    server, client = connection.server, connection.client
    limits = server.listener.limits
    if server.policy.mechanisms and client.account is None:
        raise Refused(replies.AUTH_FIRST)
    if client.messages >= limits.messages:
        raise Refused(replies.TOO_MANY_MESSAGES)
    path = parse_mail(argument, server.mail_parameters)
    queue_id = server.ids.queue_id()
    try:
        if path.size > limits.message_size:
            raise Refused(replies.SIZE_EXCEEDED)
        server.gate.check()
        await server.policy.sender(client, path)
    except Refused as refusal:
        _refuse(connection, queue_id, refusal.reply, "")
        return
    except MailError as error:
        _refuse(connection, queue_id, reply_to(error), error.reason)
        return
    span = server.tracer.start(
        "mx.transaction" if server.policy.origin == "mx" else "submission.transaction",
        trace_id=queue_id_octets(queue_id),
    )
    span.set("posthouse.queue_id", queue_id)
    connection.transaction = Transaction(queue_id, span, path)
    client.messages += 1
    client.phase = Phase.MAIL
    connection.reply(replies.SENDER_OK)


def _refuse(connection: SmtpConnection, queue_id: QueueId, reply: Reply, reason: str) -> None:
    metrics = connection.server.metrics
    counter = metrics.transaction_rejected if reply.code >= 500 else metrics.transaction_deferred
    counter.value += 1
    with log_context(queue_id=queue_id):
        log.info("sender refused", code=reply.code, enhanced=reply.enhanced, reason=reason)
    connection.reply(reply)
