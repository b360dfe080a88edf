"""AUTH (RFC 4954) with an initial response where the client sends one."""

from __future__ import annotations

from base64 import b64encode

from posthouse.ingress.connection import SmtpConnection
from posthouse.ingress.handlers.greeting import may_authenticate
from posthouse.protocol import sasl
from posthouse.protocol.smtp import replies
from posthouse.protocol.smtp.replies import Refused
from posthouse.protocol.smtp.verbs import LIMITS


async def auth(connection: SmtpConnection, argument: bytes) -> None:
    server, client = connection.server, connection.client
    if not client.extended_smtp:
        raise Refused(replies.GREET_FIRST)
    if client.account is not None:
        raise Refused(replies.AUTH_ALREADY)
    if not may_authenticate(connection):
        raise Refused(replies.AUTH_NEEDS_TLS)
    if not argument:
        raise Refused(replies.SYNTAX)
    connection.count_idle()
    name, *initial = argument.split()
    mechanism = name.decode("ascii", "replace").upper()
    exchange = sasl.start(mechanism) if mechanism in server.policy.mechanisms else None
    if exchange is None:
        raise Refused(replies.AUTH_UNKNOWN_MECHANISM)
    if len(initial) > 1:
        raise Refused(replies.SYNTAX)
    try:
        step = exchange.step(sasl.decode(initial[0]) if initial else None)
        while isinstance(step, sasl.Challenge):
            connection.send(b"334 " + b64encode(step.octets) + b"\r\n")
            line = await connection.read_line(LIMITS[b"AUTH"], server.listener.limits.auth_timeout)
            if line == b"*":  # RFC 4954 §4: the client gives up
                raise Refused(replies.AUTH_CANCELLED)
            step = exchange.step(sasl.decode(line))
    except sasl.Malformed as error:
        raise Refused(replies.AUTH_MALFORMED) from error
    account = await server.policy.authenticate(client, step.login, step.password)
    client.account = account
    client.login = account.address
    server.logged_in(connection, account)
    connection.reply(replies.AUTHENTICATED)
