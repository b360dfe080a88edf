"""EHLO, HELO, STARTTLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.ingress.connection import SmtpConnection, forget_transaction
from posthouse.protocol.smtp import replies
from posthouse.protocol.smtp.replies import Refused
from posthouse.protocol.smtp.verbs import Phase, host_argument

if TYPE_CHECKING:
    from collections.abc import Iterator


async def ehlo(connection: SmtpConnection, argument: bytes) -> None:
    connection.client.helo = host_argument(argument)
    connection.count_idle()
    forget_transaction(connection)
    connection.client.extended_smtp = True
    connection.client.phase = Phase.GREETED
    connection.send(replies.greeting(connection.server.listener.hostname, _keywords(connection)))


async def helo(connection: SmtpConnection, argument: bytes) -> None:
    connection.client.helo = host_argument(argument)
    connection.count_idle()
    forget_transaction(connection)
    connection.client.extended_smtp = False
    connection.client.phase = Phase.GREETED
    connection.send(replies.hello(connection.server.listener.hostname))


def _keywords(connection: SmtpConnection) -> Iterator[str]:
    server = connection.server
    yield "PIPELINING"
    yield f"SIZE {server.listener.limits.message_size}"
    yield "8BITMIME"
    yield "ENHANCEDSTATUSCODES"
    if server.tls is not None and not connection.client.tls:
        yield "STARTTLS"
    if server.policy.mechanisms and may_authenticate(connection):
        yield "AUTH " + " ".join(server.policy.mechanisms)


def may_authenticate(connection: SmtpConnection) -> bool:
    """Passwords only under TLS (RFC 8314 §3.3), or in clear from loopback where that was asked for."""
    client = connection.client
    if client.tls:
        return True
    return connection.server.listener.insecure_loopback_auth and is_loopback(client.ip)


def is_loopback(ip: str) -> bool:
    return ip.startswith("127.") or ip in ("::1", "::ffff:127.0.0.1")


async def starttls(connection: SmtpConnection, argument: bytes) -> None:
    context = connection.server.tls
    if context is None:
        raise Refused(replies.NOT_OFFERED)
    if connection.client.tls:
        raise Refused(replies.TLS_ALREADY)
    if argument:
        raise Refused(replies.NO_ARGUMENT)
    connection.reply(replies.START_TLS)
    await connection.upgrade(context)
    connection.client.forget_client()
