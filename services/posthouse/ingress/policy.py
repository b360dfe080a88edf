"""What a process (`mx`, `submission`) decides about sessions and messages. Every refusal is a MailError or Refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from posthouse.ingress.session import Session, Transaction
from posthouse.model.address import Address
from posthouse.model.authentication import AuthenticationResults
from posthouse.model.content import ContentFinding
from posthouse.model.directory import Account
from posthouse.model.envelope import Rcpt
from posthouse.model.reputation import ListHit
from posthouse.protocol.smtp.paths import MailPath

Origin = Literal["mx", "submission"]


@dataclass(frozen=True, slots=True)
class Findings:
    """What rides with the message from here on."""

    authentication: AuthenticationResults | None = None
    """None = not looked at."""
    authors: tuple[str, ...] = ()
    """Addresses of RFC5322.From, lower case."""
    content: tuple[ContentFinding, ...] = ()
    """What was found in it."""
    listed: tuple[ListHit, ...] = ()
    """DNS lists that know the client's address."""


NOTHING: Final = Findings()


class Policy(Protocol):
    origin: Origin
    mechanisms: tuple[str, ...]
    """SASL mechanisms offered; empty = no AUTH at all."""

    async def authenticate(self, session: Session, login: str, password: str) -> Account:
        """AuthenticationFailed, AuthenticationThrottled, Unavailable."""
        ...

    async def sender(self, session: Session, path: MailPath) -> None:
        """May this session send in that name, now?"""
        ...

    async def rcpt(self, session: Session, transaction: Transaction, address: Address) -> Sequence[Rcpt]:
        """The accounts behind a forward-path; never empty."""
        ...

    async def content(self, session: Session, transaction: Transaction, header: bytes) -> bytes:
        """Checks the header block; returns fields to put in front of it (with CRLF), usually none."""
        ...

    async def judge(self, session: Session, transaction: Transaction, header: bytes, message: bytearray) -> Findings:
        """What is found out about the whole message before it is promised. Refused, MailError: it is not taken.

        `header`: as it will be stored. `message`: CRLF and then the message as it came
        (protocol.smtp.data.DataReader.message).
        """
        ...

    def accepted(self, session: Session, transaction: Transaction) -> None:
        """The message was promised."""
        ...
