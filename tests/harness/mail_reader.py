"""A person at their mail client who sorts mail: where a message goes, and moving it to the other side."""

from typing import Self

from harness.imap_client import ImapClient
from harness.posthouse_cluster import Person
from harness.traffic import SmtpClient
from harness.waiting import until


class Reader:
    """One person at their mail client, with INBOX and Junk."""

    def __init__(self, mx: tuple[str, int], person: Person, client: ImapClient) -> None:
        self._mx, self._person, self._client = mx, person, client

    @classmethod
    async def at(cls, mx: tuple[str, int], imap: tuple[str, int], person: Person) -> Self:
        client = await ImapClient.connect(imap[1])
        await client.ok(f'LOGIN {person.address} "{person.password}"')
        return cls(mx, person, client)

    async def _uids(self, mailbox: str) -> list[str]:
        await self._client.ok(f"SELECT {mailbox}")
        # What arrives between the two commands is told in between: * 2 EXISTS.
        [answer] = [line for line in await self._client.ok("UID SEARCH ALL") if line.startswith(b"* SEARCH")]
        return answer.decode().split()[2:]

    async def receives(self, octets: bytes) -> str:
        """Where a message goes that is sent now."""
        before = {box: len(await self._uids(box)) for box in ("INBOX", "Junk")}
        smtp = await SmtpClient.open(*self._mx)
        lines = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        try:
            assert (await smtp.message("sender@example.net", [self._person.address], lines)).startswith("250")
        finally:
            smtp.close()
        found: list[str] = []

        async def arrived() -> bool:
            found[:] = [box for box, count in before.items() if len(await self._uids(box)) > count]
            return bool(found)

        await until(arrived, seconds=120)
        return found[0]

    async def moves_last(self, source: str, target: str, count: int = 1) -> None:
        """One command for each."""
        for uid in (await self._uids(source))[-count:]:
            await self._client.ok(f"UID MOVE {uid} {target}")

    async def close(self) -> None:
        await self._client.ok("LOGOUT")
