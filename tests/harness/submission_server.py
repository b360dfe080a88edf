"""smtp_server with submission's policy: alice and bob with the same password, hashes that cost nothing."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness.fake_ports import FakeDirectory
from harness.smtp_server import HOSTNAME, Running, smtp_server
from posthouse.ingress.limits import Limits, Listener
from posthouse.ingress.policy import Policy
from posthouse.ingress.recipients import Recipients
from posthouse.ports.clock import Clock
from posthouse.runtime.authentication import Authenticator
from posthouse.submission.caps import Caps
from posthouse.submission.policy import RELAY_TEXT, SubmissionPolicy

PASSWORD = "correct horse"


def _matches(password_hash: str, password: str) -> bool:
    return password_hash == "hash of " + password


@asynccontextmanager
async def submission(
    tls: ssl.SSLContext | None = None, *, insecure: bool = False, messages: int = 100, limits: Limits | None = None
) -> AsyncIterator[Running]:
    directory = FakeDirectory()
    directory.add("alice@example.org", password_hash="hash of " + PASSWORD)
    directory.add("bob@example.org", password_hash="hash of " + PASSWORD)

    def make_policy(directory: FakeDirectory, clock: Clock) -> Policy:
        return SubmissionPolicy(
            directory,  # type: ignore[arg-type]
            Recipients(directory, None, relay_text=RELAY_TEXT),  # type: ignore[arg-type]
            Authenticator(directory, clock, b"k" * 32, check=_matches),  # type: ignore[arg-type]
            Caps(messages, 3),
            clock,
            hostname=HOSTNAME,
        )

    rules = Listener("submission", HOSTNAME, insecure_loopback_auth=insecure)
    async with smtp_server(
        directory=directory, make_policy=make_policy, tls=tls, listener=rules, limits=limits or Limits()
    ) as running:
        yield running
