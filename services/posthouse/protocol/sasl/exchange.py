"""SASL without I/O (RFC 4422): PLAIN (RFC 4616) and LOGIN, as a client speaks them over SMTP and IMAP.

    exchange = start("PLAIN")
    step = exchange.step(initial_response)     # None where the client sent none
    while isinstance(step, Challenge): …       # send step.octets in base64, give the decoded answer to `step`
    step.login, step.password                  # Credentials

Base64 and the line syntax belong to the protocol around it (`decode` helps). Nothing here keeps or logs a password.
"""

from __future__ import annotations

import binascii
from typing import Final, NamedTuple, Protocol

from posthouse.model.errors import AuthenticationFailed

MECHANISMS: Final = ("PLAIN", "LOGIN")
MAX_CREDENTIAL: Final = 1024
"""Octets of a login or a password."""


class Malformed(Exception):
    """The client's octets are no valid message of the mechanism."""


class Challenge(NamedTuple):
    octets: bytes


class Credentials(NamedTuple):
    login: str
    password: str

    def __repr__(self) -> str:
        return "Credentials(…)"


class Exchange(Protocol):
    def step(self, response: bytes | None) -> Challenge | Credentials:
        """`response`: decoded octets, None only at the first call without an initial response. Malformed;
        AuthenticationFailed for an authorization identity that differs from the login."""
        ...


def start(mechanism: str) -> Exchange | None:
    """A fresh exchange, None for a mechanism that is not spoken here."""
    match mechanism.upper():
        case "PLAIN":
            return _Plain()
        case "LOGIN":
            return _Login()
        case _:
            return None


def decode(text: bytes) -> bytes:
    """Base64 of a response; `=` stands for an empty one (RFC 4954 §4, RFC 4959 §3). Malformed."""
    if text == b"=":
        return b""
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error as error:
        raise Malformed("not base64") from error


class _Plain:
    def step(self, response: bytes | None) -> Challenge | Credentials:
        if response is None:
            return Challenge(b"")
        parts = response.split(b"\0")
        if len(parts) != 3:
            raise Malformed("PLAIN has three parts")
        authorization, login, password = (_text(part) for part in parts)
        if not login:
            raise Malformed("no login")
        if authorization and authorization.lower() != login.lower():
            # RFC 4616 §2: acting for another is not offered.
            raise AuthenticationFailed("authorization identity differs from the login")
        return Credentials(login, password)


class _Login:
    """draft-murchison-sasl-login: two questions whose texts old clients expect literally."""

    def __init__(self) -> None:
        self._login: str | None = None

    def step(self, response: bytes | None) -> Challenge | Credentials:
        if response is None:
            return Challenge(b"Username:")
        if self._login is None:
            self._login = _text(response)
            if not self._login:
                raise Malformed("no login")
            return Challenge(b"Password:")
        return Credentials(self._login, _text(response))


def _text(octets: bytes) -> str:
    if len(octets) > MAX_CREDENTIAL:
        raise Malformed("credential too long")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("not UTF-8") from error
