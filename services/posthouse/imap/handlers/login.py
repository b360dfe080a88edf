"""LOGIN and AUTHENTICATE (RFC 3501 §6.2.2, §6.2.3): both end here."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING

from posthouse.model.errors import AuthenticationFailed
from posthouse.protocol.imap.commands.authenticate import Authenticate
from posthouse.protocol.imap.commands.login import Login
from posthouse.protocol.imap.responses.status import bad, continuation, no, ok
from posthouse.protocol.imap.session import Request
from posthouse.protocol.sasl import Challenge, Malformed, decode, start

if TYPE_CHECKING:
    from posthouse.imap.connection import Connection

_MECHANISMS = frozenset({"PLAIN"})


async def login(connection: Connection, request: Request) -> bytes:
    command = request.command
    assert isinstance(command, Login)
    if not connection.session.login_allowed:
        return no(request.tag, b"Start TLS first", b"PRIVACYREQUIRED")
    return await _verify(connection, request, command.user, command.password)


async def authenticate(connection: Connection, request: Request) -> bytes:
    command = request.command
    assert isinstance(command, Authenticate)
    if not connection.session.login_allowed:
        return no(request.tag, b"Start TLS first", b"PRIVACYREQUIRED")
    exchange = start(command.mechanism) if command.mechanism in _MECHANISMS else None
    if exchange is None:
        return no(request.tag, b"Mechanism is not supported", b"CANNOT")
    response = command.initial
    try:
        step = exchange.step(response)
        while isinstance(step, Challenge):
            connection.write(continuation(_encoded(step.octets)))
            line = await connection.read_line()
            if line == b"*":
                return bad(request.tag, b"AUTHENTICATE cancelled")  # RFC 3501 §6.2.2
            step = exchange.step(decode(line) if line else b"")
    except Malformed:
        return bad(request.tag, b"Invalid response")
    return await _verify(connection, request, step.login, step.password)


def _encoded(octets: bytes) -> bytes:
    return binascii.b2a_base64(octets, newline=False)


async def _verify(connection: Connection, request: Request, user: str, password: str) -> bytes:
    try:
        account = await connection.services.authenticator.verify(user, password, connection.peer_ip)
    except AuthenticationFailed:
        connection.login_failed()
        raise
    if connection.gone:
        raise ConnectionResetError
    if not connection.server.admit(account.account_id):
        return no(request.tag, b"Too many connections of this account", b"LIMIT")
    connection.logged_in(account, user)
    # RFC 3501 §7.2.1: the capabilities have changed; said here, they save the client a question.
    return ok(request.tag, b"Logged in", b"CAPABILITY " + connection.session.capabilities)
