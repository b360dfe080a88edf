"""Settings of sender authentication."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from posthouse.ingress.proxied import networks
from posthouse.runtime.settings import Duration, Section, setting


@dataclass(frozen=True, slots=True)
class AuthenticationSettings:
    """Who a message comes from, found out by mx before it answers 250."""

    enabled: bool = setting(
        True,
        "Check SPF, DKIM, ARC and DMARC, and write Authentication-Results.",
        why="What the sender proved is what filters, allow lists and reputation stand on.",
    )
    deadline: Duration = setting(
        Duration(8),
        "All DNS look-ups of one message together.",
        why="Clients wait 10 min for the reply to DATA; slow zones answer within seconds or not at all.",
        least=0.1,
        most=120,
    )
    lookups: int = setting(
        150,
        "DNS look-ups of one message.",
        why="SPF may need 10 and each address of them 10 more; signatures, chains and the tree walk add a few dozen.",
        unit="look-ups",
        least=10,
        most=1000,
    )
    trusted_networks: tuple[str, ...] = setting(
        ("127.0.0.0/8", "::1/128"),
        "Networks whose mail is not looked at.",
        why="Programs on this machine, and gateways that have checked themselves.",
    )
    iprev: bool = setting(
        True, "Look up the client's name and back.", why="Cheap, cached, and good evidence for the filter."
    )
    arc: bool = setting(
        True, "Verify ARC chains.", why="Forwarders and lists that are trusted can then vouch for what they changed."
    )
    bimi: bool = setting(
        False, "Look up the logo that the author's domain publishes.", why="Nothing shows logos yet; evidence only."
    )

    def problems(self) -> Iterator[str]:
        """Networks are networks."""
        for text in self.trusted_networks:
            try:
                networks([text])
            except ValueError:
                yield f"trusted_networks has {text!r}, expected a network such as 10.0.0.0/8"


AUTHENTICATION: Final = Section("authentication", AuthenticationSettings)
