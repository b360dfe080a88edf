"""What mx allows: anybody may send, to addresses of ours, unless every recipient's policy refuses the message.

Before the 250 the policies see what was proved and what is listed; the score comes later. What only some recipients
refuse is taken, and their copies are held (verdicts/judge.py): one reply to DATA serves all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from posthouse.ingress.content import ContentChecks
from posthouse.ingress.policy import Findings, Origin
from posthouse.ingress.recipients import Recipients
from posthouse.ingress.sender_authentication import SenderAuthentication
from posthouse.ingress.session import Session, Transaction
from posthouse.mailauth.evaluate import Client
from posthouse.model.address import Address
from posthouse.model.content import ContentFinding
from posthouse.model.directory import Account
from posthouse.model.envelope import Rcpt
from posthouse.model.errors import AuthenticationFailed
from posthouse.model.reputation import ListHit
from posthouse.model.verdict import VerdictKind
from posthouse.mx.dmarc_counts import DmarcCounts
from posthouse.ports.directory import Directory
from posthouse.protocol.smtp import replies
from posthouse.protocol.smtp.paths import MailPath
from posthouse.protocol.smtp.replies import Refused
from posthouse.runtime.dns_lists import DnsLists
from posthouse.verdicts.evidence import author_addresses, gather_evidence, local_part
from posthouse.verdicts.judge import judge, refused_by_all
from posthouse.verdicts.outside import contributions_of, with_outside
from posthouse.verdicts.policies import policy_for

RELAY_DENIED: Final = "Relay access denied"


class MxPolicy:
    """ingress.policy.Policy."""

    origin: Origin = "mx"
    mechanisms: tuple[str, ...] = ()

    def __init__(
        self,
        recipients: Recipients,
        directory: Directory,
        authentication: SenderAuthentication | None = None,
        content: ContentChecks | None = None,
        *,
        lists: DnsLists | None = None,
        dmarc: DmarcCounts | None = None,
    ) -> None:
        """`authentication`, `content`, `lists` None = nobody looks; `dmarc` None = nobody counts for reports."""
        self._lists = lists
        self._dmarc = dmarc
        self._content = content
        self._recipients = recipients
        self._directory = directory
        self._authentication = authentication

    async def authenticate(self, session: Session, login: str, password: str) -> Account:
        raise AuthenticationFailed("mx has no logins")

    async def sender(self, session: Session, path: MailPath) -> None:
        """Any reverse-path may be claimed; what the claim is worth is the filter's to say."""

    async def rcpt(self, session: Session, transaction: Transaction, address: Address) -> Sequence[Rcpt]:
        return await self._recipients.resolve(address, transaction.path.size)

    async def content(self, session: Session, transaction: Transaction, header: bytes) -> bytes:
        """Nothing is added: RFC 5321 §6.4 leaves repairs to the submission server."""
        return b""

    async def judge(self, session: Session, transaction: Transaction, header: bytes, message: bytearray) -> Findings:
        authors = author_addresses(header)
        results = None
        found = None
        listed: tuple[ListHit, ...] = ()
        content: tuple[ContentFinding, ...] = ()
        octets = b""
        if self._authentication is not None and self._authentication.looks_at(session.ip):
            octets = bytes(memoryview(message)[2:])
            client = Client(session.ip, session.helo, transaction.path.reverse_path)
            look = self._authentication.look(client, octets)
            if self._lists is None:
                looked = await look
            else:
                looked, listed = await asyncio.gather(look, self._lists.of_address(session.ip))
            found, results = looked, looked.results
        elif self._authentication is None and self._lists is not None:
            listed = await self._lists.of_address(session.ip)
        if self._content is not None and not self._content.idle(header):
            content = await self._content.look(header, octets or bytes(memoryview(message)[2:]))
        evidence = await gather_evidence(
            self._directory, session.ip, transaction.path.reverse_path, authors, results, content=content
        )
        evidence = with_outside(evidence, contributions_of(listed))
        judgements = []
        for rcpt in transaction.rcpts:
            policy = await policy_for(self._directory, rcpt)
            judgements.append(judge(evidence, policy, local_part=local_part(rcpt)))
            if judgements[-1].verdict.kind is not VerdictKind.REJECT:
                break  # one is enough for it to be taken: a list of thousands is not read for the same answer
        verdicts = [judgement.verdict for judgement in judgements]
        refused = refused_by_all(verdicts)
        if self._dmarc is not None and found is not None:
            self._dmarc.seen(found, judgements[0].dmarc, session.ip, transaction.path.reverse_path, refused=refused)
        if refused:
            raise Refused(replies.refused_by_policy(verdicts[0].reasons))
        return Findings(results, authors, content, listed)

    def accepted(self, session: Session, transaction: Transaction) -> None:
        """No caps to charge."""
