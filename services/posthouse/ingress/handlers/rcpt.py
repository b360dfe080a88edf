"""RCPT: resolved at once, so that each refusal names its recipient."""

from __future__ import annotations

from posthouse.ingress.connection import SmtpConnection
from posthouse.model.errors import MailError
from posthouse.protocol.smtp import replies
from posthouse.protocol.smtp.paths import parse_rcpt
from posthouse.protocol.smtp.replies import Refused, Reply, reply_to
from posthouse.protocol.smtp.verbs import Phase
from posthouse.telemetry.logging import EventLogger, log_context

log = EventLogger("posthouse.ingress.rcpt")


async def rcpt(connection: SmtpConnection, argument: bytes) -> None:
    server, transaction = connection.server, connection.transaction
    assert transaction is not None
    try:
        limits = server.listener.limits
        if transaction.rcpt_count >= limits.rcpts:
            raise Refused(replies.TOO_MANY_RCPTS)
        address = parse_rcpt(argument, server.listener.default_domain)
        resolved = await server.policy.rcpt(connection.client, transaction, address)
        if len(transaction.rcpts) + len(resolved) > limits.expanded:
            raise Refused(replies.TOO_MANY_RCPTS)
    except Refused as refusal:
        _refuse(connection, refusal.reply, "")
        return
    except MailError as error:
        _refuse(connection, reply_to(error), error.reason)
        return
    transaction.rcpts.extend(resolved)
    transaction.rcpt_count += 1
    connection.client.phase = Phase.RCPT
    server.metrics.rcpt_accepted.value += 1
    connection.reply(replies.RCPT_OK)


def _refuse(connection: SmtpConnection, reply: Reply, reason: str) -> None:
    transaction, metrics = connection.transaction, connection.server.metrics
    assert transaction is not None
    counter = metrics.rcpt_rejected if reply.code >= 500 else metrics.rcpt_deferred
    counter.value += 1
    with log_context(queue_id=transaction.queue_id, trace=transaction.span.context):
        log.info("rcpt refused", code=reply.code, enhanced=reply.enhanced, reason=reason)
    connection.reply(reply)
