"""Settings of the filter beside another mail server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from posthouse.model.address import domain_name
from posthouse.model.errors import Invalid
from posthouse.model.filter_policy import FilterPolicy, checked
from posthouse.runtime.settings import Duration, Secret, Section, Size, secret, setting


@dataclass(frozen=True, slots=True)
class MilterSettings:
    """The filter beside another mail server: a milter, and POST /check over HTTP (`posthouse filter serve`)."""

    junk: float | None = setting(
        None,
        "Score from which mail is marked as spam.",
        why="Unset: the model's own threshold, set for few false positives.",
        unit="log-odds",
    )
    quarantine: float | None = setting(
        None,
        "Score from which mail is kept back, as `held` says.",
        why="Unset: never by score. Somebody has to look at what is kept back.",
        unit="log-odds",
    )
    reject: float | None = setting(
        None,
        "Score from which mail is refused with 550.",
        why="Unset: never by score, so that a first trial loses nothing; 8 and more is mail that nobody misses.",
        unit="log-odds",
    )
    dmarc: Literal["follow", "junk", "ignore"] = setting(
        "follow",
        "What becomes of mail that fails DMARC under a policy of quarantine or reject.",
        why="RFC 9989 §7.4: refused only where something else speaks against it too, else marked.",
    )
    allow: tuple[str, ...] = setting(
        (), "Senders that are let through once they prove themselves.", why="Nobody is known in advance."
    )
    block: tuple[str, ...] = setting((), "Senders that are refused.", why="Nobody is known in advance.")
    domains: tuple[str, ...] = setting(
        (),
        "Domains of your own: mail in their name that proves nothing is spam.",
        why="Only you know them; without it your domains are as good as any.",
    )
    rules: Path | None = setting(
        None,
        "File with rules of your own, as `posthouse filter rules check` takes it; read at the start.",
        why="None are needed.",
    )
    held: Literal["hold", "reject", "mark"] = setting(
        "hold",
        "What becomes of mail that is to be kept back: the hold queue of the mail server, a refusal, or a mark.",
        why="Programs and archive bombs are kept back by default; who wants them can have them from that queue.",
    )
    on_error: Literal["accept", "defer"] = setting(
        "accept",
        "What becomes of a message that could not be judged within `deadline`: taken without a mark, or 451.",
        why="A filter that fails should not stop the mail.",
    )
    deadline: Duration = setting(
        Duration(60),
        "Time for one message.",
        why="Postfix waits 300 s for the end of a message (milter_content_timeout).",
        least=1,
        most=280,
    )
    idle: Duration = setting(
        Duration(3600),
        "A milter connection on which nothing comes is closed.",
        why="It lives as long as the SMTP connection that it serves, and those have shorter limits.",
        least=60,
    )
    max_size: Size = setting(
        Size(32 * 1024 * 1024),
        "Octets of a message that are read; a longer one is judged by its beginning, without signatures.",
        why="More than the usual limit of 25 MiB, encoded.",
        least=2 * 1024 * 1024,
        most=1024 * 1024 * 1024,
    )
    connections: int = setting(
        500,
        "Milter connections at once; more are closed unanswered.",
        why="Postfix opens one for each smtpd, 100 by default.",
        unit="connections",
        least=1,
    )
    memory: Size = setting(
        Size(512 * 1024 * 1024),
        "Messages of all milter connections together; beyond it those with large ones are closed.",
        why="Mail is mostly small; the MTA answers 451 for who is closed, and the sender comes again.",
        least=16 * 1024 * 1024,
    )
    token: Secret | None = secret(
        "Bearer token for POST /check.", why="Unset, whoever reaches the port may ask; it listens on loopback."
    )

    def policy(self) -> FilterPolicy:
        """Invalid where a list or the order of the thresholds is wrong."""
        return checked(
            FilterPolicy(self.junk, self.quarantine, self.reject, self.dmarc, allow=self.allow, block=self.block)
        )

    def own_domains(self) -> frozenset[str]:
        """As A-labels. Invalid."""
        return frozenset(domain_name(name) for name in self.domains)

    def problems(self) -> Iterator[str]:
        """Lists hold entries, thresholds rise."""
        try:
            self.policy()
            self.own_domains()
        except Invalid as error:
            yield error.public


MILTER: Final = Section("milter", MilterSettings)
