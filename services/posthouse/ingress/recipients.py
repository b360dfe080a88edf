"""RCPT: from a forward-path to the accounts behind it, frozen in the envelope from here on."""

from __future__ import annotations

from collections.abc import Sequence

from posthouse.ingress.usage import Usage
from posthouse.model.address import Address
from posthouse.model.envelope import Rcpt
from posthouse.model.errors import Disabled, NoSuchDomain, NoSuchUser, OverQuota, RelayDenied
from posthouse.model.ids import DomainName
from posthouse.ports.directory import Directory


class Recipients:
    """`usage` None = quota is not looked at (the delivery still enforces it)."""

    def __init__(self, directory: Directory, usage: Usage | None, *, relay_text: str) -> None:
        self._directory = directory
        self._usage = usage
        self._relay_text = relay_text

    async def resolve(self, address: Address, size: int) -> Sequence[Rcpt]:
        """One Rcpt per account behind the address; `size`: octets declared, 0 = unknown.

        RelayDenied for a domain that is not ours; NoSuchUser, Disabled, Unavailable; OverQuota when no account behind
        it has room. Of an alias whose targets are partly full all targets are kept: a full mailbox must not stop a
        list, and its copy is held, not lost.
        """
        if not address.domain:
            address = Address(address.local, await self._first_domain())
        try:
            targets = await self._directory.resolve(address)
        except NoSuchDomain as error:
            raise RelayDenied(error.reason, public=self._relay_text) from error
        if not targets:
            raise NoSuchUser("an address that leads nowhere")
        enabled = [target for target in targets if target.account.enabled]
        if not enabled:
            raise Disabled("every account behind the address is disabled")
        if self._usage is not None:
            full: OverQuota | None = None
            for target in enabled:
                try:
                    await self._usage.check(target.account, size)
                    break
                except OverQuota as error:
                    full = error
            else:
                assert full is not None
                raise full
        given = str(address)
        return [
            Rcpt(
                address=given,
                account=target.account.account_id,
                target=target.account.address,
                detail=target.detail,
                tenant=target.account.tenant,
                domain=DomainName(target.account.address.rpartition("@")[2]),
            )
            for target in enabled
        ]

    async def _first_domain(self) -> DomainName:
        """RFC 5321 §4.5.1: `<postmaster>` without a domain is somebody's. Unless the settings name a domain, it is the
        one that was here first."""
        domains = await self._directory.domains()
        if not domains:
            raise NoSuchUser("postmaster of no domain: there is none yet")
        return min(domains, key=lambda domain: (domain.created_us, domain.name)).name
