"""What mx allows: anybody may send, to addresses of ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from posthouse.ingress.policy import Origin
from posthouse.ingress.recipients import Recipients
from posthouse.ingress.session import Session, Transaction
from posthouse.model.address import Address
from posthouse.model.directory import Account
from posthouse.model.envelope import Rcpt
from posthouse.model.errors import AuthenticationFailed
from posthouse.protocol.smtp.paths import MailPath

RELAY_DENIED: Final = "Relay access denied"


class MxPolicy:
    """ingress.policy.Policy."""

    origin: Origin = "mx"
    mechanisms: tuple[str, ...] = ()

    def __init__(self, recipients: Recipients) -> None:
        self._recipients = recipients

    async def authenticate(self, session: Session, login: str, password: str) -> Account:
        raise AuthenticationFailed("mx has no logins")

    async def sender(self, session: Session, path: MailPath) -> None:
        """Any reverse-path may be claimed; what the claim is worth is the filter's to say."""

    async def rcpt(self, session: Session, transaction: Transaction, address: Address) -> Sequence[Rcpt]:
        return await self._recipients.resolve(address, transaction.path.size)

    async def content(self, session: Session, transaction: Transaction, header: bytes) -> bytes:
        """Nothing is added: RFC 5321 §6.4 leaves repairs to the submission server."""
        return b""

    def accepted(self, session: Session, transaction: Transaction) -> None:
        """No caps to charge."""
