"""What submission allows: users of ours, in their own name, to addresses of ours, so many in an hour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from posthouse.ingress.content import ContentChecks, refused_to_a_user
from posthouse.ingress.policy import NOTHING, Findings, Origin
from posthouse.ingress.recipients import Recipients
from posthouse.ingress.session import Session, Transaction
from posthouse.model.address import Address
from posthouse.model.directory import Account
from posthouse.model.envelope import Rcpt
from posthouse.model.ids import AccountId
from posthouse.ports.clock import Clock
from posthouse.ports.directory import Directory
from posthouse.protocol import sasl
from posthouse.protocol.mime.header import Headers
from posthouse.protocol.smtp import replies
from posthouse.protocol.smtp.paths import MailPath
from posthouse.protocol.smtp.received import date_time
from posthouse.protocol.smtp.replies import Refused
from posthouse.submission.authorship import claimed_authors
from posthouse.submission.caps import Caps

RELAY_TEXT: Final = "relay is not configured"


class Verifier(Protocol):
    """runtime.authentication.Authenticator, counted or not."""

    async def verify(self, login: str, password: str, peer_ip: str) -> Account: ...


class SubmissionPolicy:
    """ingress.policy.Policy."""

    origin: Origin = "submission"
    mechanisms: tuple[str, ...] = sasl.MECHANISMS

    def __init__(
        self,
        directory: Directory,
        recipients: Recipients,
        verifier: Verifier,
        caps: Caps,
        clock: Clock,
        *,
        hostname: str,
        content: ContentChecks | None = None,
    ) -> None:
        """`content` None = nobody looks at attachments or for viruses."""
        self._content = content
        self._directory = directory
        self._recipients = recipients
        self._verifier = verifier
        self._caps = caps
        self._clock = clock
        self._hostname = hostname

    async def authenticate(self, session: Session, login: str, password: str) -> Account:
        return await self._verifier.verify(login, password, session.ip)

    async def sender(self, session: Session, path: MailPath) -> None:
        """The reverse-path belongs to the login; `<>` is allowed for MDNs (RFC 8098 §3)."""
        account = _account(session)
        if path.address is not None and not await self._directory.owns(account, path.address):
            raise Refused(replies.NOT_YOUR_ADDRESS)
        self._caps.check_message(account, self._clock.monotonic())

    async def rcpt(self, session: Session, transaction: Transaction, address: Address) -> Sequence[Rcpt]:
        resolved = await self._recipients.resolve(address, transaction.path.size)
        asked = _distinct(transaction) | {_counted(str(address))}
        self._caps.check_rcpts(_account(session), asked, self._clock.monotonic())
        return resolved

    async def judge(self, session: Session, transaction: Transaction, header: bytes, message: bytearray) -> Findings:
        """Who it is from is known by the login. What would be held or refused is refused: the sender is there."""
        if self._content is None or self._content.idle(header):
            return NOTHING
        content = await self._content.look(header, bytes(memoryview(message)[2:]))
        refused = refused_to_a_user(content)
        if refused:
            raise Refused(replies.refused_by_policy(refused))
        return Findings(content=content) if content else NOTHING

    async def content(self, session: Session, transaction: Transaction, header: bytes) -> bytes:
        account = _account(session)
        fields = Headers(header)
        for address in claimed_authors(header, fields):
            if not await self._directory.owns(account, address):
                raise Refused(replies.NOT_YOUR_FROM)
        # RFC 6409 §8.2 and §8.3: the submission server adds what the client left out.
        added = b""
        if fields.first(b"date") is None:
            added += b"Date: %b\r\n" % date_time(self._clock.now_us() // 1_000_000).encode()
        if fields.first(b"message-id") is None:
            added += f"Message-ID: <{transaction.queue_id}@{self._hostname}>\r\n".encode()
        return added

    def accepted(self, session: Session, transaction: Transaction) -> None:
        self._caps.charge(_account(session), _distinct(transaction), self._clock.monotonic())


def _account(session: Session) -> AccountId:
    assert session.account is not None, "MAIL is refused before AUTH"
    return session.account.account_id


def _distinct(transaction: Transaction) -> set[str]:
    return {_counted(rcpt.address) for rcpt in transaction.rcpts}


def _counted(address: str) -> str:
    return address.lower()
