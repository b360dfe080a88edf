"""RSET, NOOP, VRFY, HELP, QUIT."""

from __future__ import annotations

from posthouse.ingress.connection import SmtpConnection, forget_transaction
from posthouse.protocol.smtp import replies
from posthouse.protocol.smtp.replies import Refused


async def rset(connection: SmtpConnection, argument: bytes) -> None:
    if argument:
        raise Refused(replies.NO_ARGUMENT)
    connection.count_idle()
    forget_transaction(connection)
    connection.reply(replies.RESET)


async def noop(connection: SmtpConnection, argument: bytes) -> None:
    """RFC 5321 §4.1.1.9: an argument is ignored."""
    connection.count_idle()
    connection.reply(replies.OK)


async def vrfy(connection: SmtpConnection, argument: bytes) -> None:
    """RFC 5321 §7.3: saying who exists would help nobody but spammers."""
    connection.count_idle()
    if not argument:
        raise Refused(replies.SYNTAX)
    connection.reply(replies.CANNOT_VERIFY)


async def help_(connection: SmtpConnection, argument: bytes) -> None:
    connection.count_idle()
    connection.reply(replies.HELP)


async def quit_(connection: SmtpConnection, argument: bytes) -> None:
    if argument:
        raise Refused(replies.NO_ARGUMENT)
    connection.reply(replies.BYE)
    connection.ending = True
