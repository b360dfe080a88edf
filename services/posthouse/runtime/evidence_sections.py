"""The sections about evidence from outside a message, which mx and filter share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from posthouse.reputation.list_entry import parse_lists
from posthouse.runtime.settings import Duration, Section, setting


@dataclass(frozen=True, slots=True)
class DnsListSettings:
    """DNS lists of senders, domains and links (RFC 5782). Their owners' terms of use are yours to read."""

    lists: tuple[str, ...] = setting(
        (),
        "Lists to ask: zone, what is looked up (ip, domain, uri, with + between), codes with their log-odds and names, "
        "such as `zen.example ip 127.0.0.2=4:sbl 127.0.0.4-7=3:xbl`; see the guide for operators.",
        why="Each list has terms of use, and learns who writes to you: none is asked unless you name it.",
    )
    deadline: Duration = setting(
        Duration(3),
        "All lists of one message together; what has not answered by then says nothing.",
        why="Lists answer in milliseconds or are down; the mail does not wait for them.",
        least=0.1,
        most=30,
    )
    names: int = setting(
        20,
        "Domains of one message that are looked up in lists of domains, and as many hosts of its links.",
        why="Spam has a handful; a newsletter's hundred links lead to few hosts.",
        unit="names",
        least=1,
        most=200,
    )
    check: bool = setting(
        True,
        "Leave a list out while it lists what none may (127.0.0.1, INVALID); asked at start and every hour.",
        why="A list that was shut down may list the whole world, and take all mail with it.",
    )

    def problems(self) -> Iterator[str]:
        """Entries can be read."""
        try:
            parse_lists(self.lists)
        except ValueError as e:
            yield f"lists: {e}"


@dataclass(frozen=True, slots=True)
class ReputationSettings:
    """What the platform remembers of senders, by the domains they proved, their address and its network."""

    enabled: bool = setting(
        True,
        "Count ham and spam of each sender, and let the counts speak for and against new mail.",
        why="A sender is best known by what it sent; counts only where messages are scored (`filter.score`).",
    )
    half_life: Duration = setting(
        Duration(14 * 86_400.0),
        "Time after which a message counts half.",
        why="Addresses change hands within weeks; a good month is not undone by one bad mail.",
        least=3_600,
        most=30 * 86_400,
    )
    least: int = setting(
        20,
        "Messages below which nothing is said of a sender.",
        why="Fewer say more about chance than about the sender.",
        unit="messages",
        least=1,
        most=100_000,
    )
    flush: Duration = setting(
        Duration(30),
        "Time between two writes of what was counted.",
        why="A crash loses what was counted since, which is evidence and no account; mail is never lost by it.",
        least=0.05,
        most=3_600,
    )
    fresh: Duration = setting(
        Duration(120),
        "How old what is known of a sender may be.",
        why="A campaign shows within minutes; reading anew for each message would cost more than it tells.",
        least=0,
        most=86_400,
    )
    remembered: int = setting(
        20_000,
        "Senders kept in memory, and as many whose counts wait to be written; further ones are not counted.",
        why="About 10 MiB; the busiest senders of a large site fit in.",
        unit="records",
        least=100,
        most=10_000_000,
    )


@dataclass(frozen=True, slots=True)
class DmarcReportSettings:
    """What is counted for the aggregate reports that domains ask for (RFC 9990)."""

    count: bool = setting(
        True,
        "Count results for domains that ask for aggregate reports.",
        why="Reports of a day can only be made of what was counted on it.",
    )
    flush: Duration = setting(
        Duration(600),
        "Time between two writes of what was counted.",
        why="A crash loses what was counted since; reports are of whole days.",
        least=0.05,
        most=86_400,
    )


DNSLISTS: Final = Section("dnslists", DnsListSettings)
REPUTATION: Final = Section("reputation", ReputationSettings)
DMARCREPORTS: Final = Section("dmarcreports", DmarcReportSettings)
EVIDENCE: Final = (DNSLISTS, REPUTATION, DMARCREPORTS)
