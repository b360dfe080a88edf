"""DATA: the message is read, checked, made durable, and then promised."""

from __future__ import annotations

from posthouse.ingress.acceptance import Incoming
from posthouse.ingress.connection import SmtpConnection
from posthouse.ingress.session import Transaction
from posthouse.model.errors import MailError
from posthouse.protocol.smtp import replies
from posthouse.protocol.smtp.data import DataReader
from posthouse.protocol.smtp.received import MAX_HOPS
from posthouse.protocol.smtp.replies import Refused, Reply, queued, reply_to
from posthouse.protocol.smtp.trim import trim
from posthouse.protocol.smtp.verbs import Phase
from posthouse.telemetry.logging import EventLogger, log_context

log = EventLogger("posthouse.ingress.data")


async def data(connection: SmtpConnection, argument: bytes) -> None:
    server, transaction = connection.server, connection.transaction
    assert transaction is not None
    if argument:
        raise Refused(replies.NO_ARGUMENT)
    server.gate.check()
    limits = server.listener.limits
    reader = DataReader(limits.message_size, limits.line)
    empty = reader.held
    try:
        connection.reply(replies.START_DATA)
        await connection.settle()
        await connection.read_data(reader)
        await _answer(connection, transaction, reader)
    finally:
        server.memory.resize(reader.held, empty)
    connection.transaction = None
    connection.client.phase = Phase.GREETED


async def _answer(connection: SmtpConnection, transaction: Transaction, reader: DataReader) -> None:
    began = connection.loop.time()
    with log_context(queue_id=transaction.queue_id, trace=transaction.span.context):
        try:
            size = await connection.work(_accept(connection, transaction, reader))
        except Refused as refusal:
            _refused(connection, transaction, refusal.reply, "")
        except MailError as error:
            _refused(connection, transaction, reply_to(error), error.reason, error)
        else:
            connection.send(queued(transaction.queue_id))
            _accepted(connection, transaction, size, connection.loop.time() - began)


async def _accept(connection: SmtpConnection, transaction: Transaction, reader: DataReader) -> int:
    """Size of the stored form, once it is kept."""
    server, client = connection.server, connection.client
    if reader.fault is not None:
        raise Refused(reader.fault)
    message = reader.message
    trimmed = trim(message, server.authserv_ids)
    if trimmed.hops > MAX_HOPS:
        raise Refused(replies.MAIL_LOOP)
    added = await server.policy.content(client, transaction, trimmed.header)
    findings = await server.policy.judge(client, transaction, trimmed.header, message)
    return await server.acceptance.accept(
        Incoming(
            queue_id=transaction.queue_id,
            peer=client.as_peer(),
            extended=client.extended_smtp,
            reverse_path=transaction.path.reverse_path,
            rcpts=tuple(transaction.rcpts),
            rcpts_accepted=transaction.rcpt_count,
            header=added + trimmed.header,
            rest=memoryview(message)[trimmed.body_at :],
            removed_headers=trimmed.removed,
            findings=findings,
        ),
        transaction.span.context,
    )


def _accepted(connection: SmtpConnection, transaction: Transaction, size: int, seconds: float) -> None:
    server, metrics = connection.server, connection.server.metrics
    server.policy.accepted(connection.client, transaction)
    connection.errors = connection.idle_commands = 0
    metrics.transaction_accepted.value += 1
    metrics.accepted_rcpts.value += transaction.rcpt_count
    metrics.message_bytes.observe(size)
    metrics.accept_seconds.observe(seconds)
    span = transaction.span
    if span.sampled:
        span.set("posthouse.size", size)
        span.set("posthouse.rcpts", transaction.rcpt_count)
        span.set("posthouse.durable_us", int(seconds * 1_000_000))
        span.set("posthouse.outcome", "accepted")
        span.set("smtp.code", 250)
    span.end()
    log.info("accepted", size=size, rcpts=transaction.rcpt_count, ms=round(seconds * 1000, 2))


def _refused(
    connection: SmtpConnection, transaction: Transaction, reply: Reply, reason: str, error: MailError | None = None
) -> None:
    metrics, span = connection.server.metrics, transaction.span
    outcome = "rejected" if reply.code >= 500 else "deferred"
    counter = metrics.transaction_rejected if reply.code >= 500 else metrics.transaction_deferred
    counter.value += 1
    span.set("posthouse.outcome", outcome)
    span.set("smtp.code", reply.code)
    span.set("smtp.enhanced_code", reply.enhanced)
    # Only our own failures are errors of the trace; a message that breaks the rules is not.
    span.end(error if error is not None and error.temporary else None)
    log.info(outcome, code=reply.code, enhanced=reply.enhanced, rcpts=transaction.rcpt_count, reason=reason)
    connection.reply(reply)
