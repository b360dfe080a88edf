"""Settings of what is looked for in a message's content before its 250: attachments and viruses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from posthouse.runtime.settings import Duration, Section, Size, setting

Action = Literal["accept", "junk", "quarantine", "reject"]
_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class AttachmentSettings:
    """What mx and submission do about attachments, by what they are and not by what they are called.

    `accept`: it is evidence only. `quarantine` is a refusal for mail with a login, whose sender is there to be told.
    """

    enabled: bool = setting(
        True, "Look at attachments.", why="Costs mail without attachments next to nothing; what is found rides along."
    )
    executable: Action = setting(
        "quarantine",
        "Programs: for Windows, Linux, macOS, Java and Android, installers, shortcuts; in archives too.",
        why="Nobody is sent a program by mail whom an administrator could not ask.",
    )
    disk_image: Action = setting(
        "accept",
        "Images of disks and CDs.",
        why="Rare in mail and mostly bad, but there are people whose work they are.",
    )
    script: Action = setting(
        "accept",
        "Files that a system runs by their name, such as .js and .vbs, or by #!.",
        why="Programmers send them.",
    )
    active_html: Action = setting(
        "accept",
        "Attached pages and SVG pictures with scripts.",
        why="What phishing uses, and banks that send encrypted letters too: for the score to weigh.",
    )
    macro: Action = setting(
        "accept", "Office documents with macros.", why="Offices work with them; a virus scanner knows the bad ones."
    )
    encrypted: Action = setting(
        "accept",
        "Archives and documents that need a password.",
        why="What people are told to do with private data; programs in such archives are known by their names.",
    )
    bomb: Action = setting(
        "quarantine",
        "Attachments beyond the limits below, which nobody has seen whole.",
        why="Not to be taken for harmless, and not to be lost: an honest one is released.",
    )
    unpacked: Size = setting(
        Size(128 * _MIB),
        "Octets unpacked of one message to look at them; slow formats count several times.",
        why="Half a second of one processor; of most files only the first 4 KiB are unpacked.",
        least=_MIB,
    )
    entries: int = setting(
        10_000,
        "Files in all archives of one message.",
        why="A large source tree.",
        unit="files",
        least=1,
        most=1_000_000,
    )
    depth: int = setting(6, "Containers within containers.", why="People reach three.", unit="levels", least=1, most=50)
    declared: Size = setting(
        Size(1024 * _MIB),
        "Octets that one archive may say it unpacks to.",
        why="Forty times the largest message; logs and tables pack that well.",
        least=_MIB,
    )
    at_once: int = setting(
        2,
        "Messages looked through at once, each in a thread.",
        why="Each may hold some 100 MiB; others wait their turn.",
        unit="messages",
        least=1,
        most=64,
    )


@dataclass(frozen=True, slots=True)
class ClamavSettings:
    """Virus scans by clamd before a message is accepted; off while no address is set."""

    address: str = setting(
        "",
        "Where clamd listens: `unix:/run/clamav/clamd.ctl` or `host:port`; empty = no virus scan.",
        why="Another program, with signatures to be kept up to date: nobody has it by accident.",
    )
    on_infected: Literal["quarantine", "reject"] = setting(
        "reject",
        "What is done with infected mail.",
        why="The sender learns of it, and nothing is stored; mail with a login is always refused.",
    )
    on_error: Literal["accept", "defer"] = setting(
        "defer",
        "What is done with a message that could not be scanned: take it unscanned, or answer 451.",
        why="A scanner that is down must let no virus through, and no mail is lost by it: senders try again.",
    )
    timeout: Duration = setting(
        Duration(60),
        "Time for one scan, waiting for a connection included.",
        why="Large archives take clamd half a minute; the client waits 10 min for the reply to DATA.",
        least=0.1,
        most=300,
    )
    max_size: Size = setting(
        Size(100 * _MIB),
        "Larger messages are not scanned.",
        why="clamd's own StreamMaxLength; beyond any message that is accepted by default.",
        least=1024,
    )
    connections: int = setting(
        8, "Connections to clamd, kept open.", why="Its MaxThreads is 10.", unit="connections", least=1, most=256
    )

    def problems(self) -> Iterator[str]:
        """The address can be read."""
        if self.address and not self.address.startswith("unix:/"):
            host, colon, port = self.address.rpartition(":")
            if not (host and colon and port.isdecimal() and 0 < int(port) < 65_536):
                yield f"address is {self.address!r}, expected host:port or unix:/path"


ATTACHMENTS: Final = Section("attachments", AttachmentSettings)
CLAMAV: Final = Section("clamav", ClamavSettings)
