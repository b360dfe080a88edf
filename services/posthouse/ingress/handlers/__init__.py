"""What each verb does. A handler gets the connection and the argument; it raises Refused or a MailError to say no."""

from __future__ import annotations

from posthouse.ingress.connection import Handler, Handlers
from posthouse.ingress.handlers.auth import auth
from posthouse.ingress.handlers.data import data
from posthouse.ingress.handlers.greeting import ehlo, helo, starttls
from posthouse.ingress.handlers.housekeeping import help_, noop, quit_, rset, vrfy
from posthouse.ingress.handlers.mail import mail
from posthouse.ingress.handlers.rcpt import rcpt
from posthouse.ingress.policy import Policy

_ALL: dict[bytes, Handler] = {
    b"EHLO": ehlo,
    b"HELO": helo,
    b"STARTTLS": starttls,
    b"MAIL": mail,
    b"RCPT": rcpt,
    b"DATA": data,
    b"RSET": rset,
    b"NOOP": noop,
    b"VRFY": vrfy,
    b"HELP": help_,
    b"QUIT": quit_,
}


def handlers_for(policy: Policy) -> Handlers:
    """AUTH is a command only where it is offered."""
    return {**_ALL, b"AUTH": auth} if policy.mechanisms else _ALL
