"""Settings that `mx` and `submission` share: how we speak SMTP, and when the edge pushes back."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from posthouse.ingress.limits import Limits
from posthouse.ingress.proxied import networks
from posthouse.model.address import domain_name
from posthouse.model.errors import Invalid
from posthouse.model.ids import DomainName
from posthouse.runtime.sections import LimitsSettings
from posthouse.runtime.settings import Duration, Section, Size, setting


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """The SMTP servers, whichever port they listen on."""

    hostname: str | None = setting(
        None,
        "Our name in the greeting, in Received fields and in Authentication-Results.",
        why="Unset: the host name of the machine; a public server sets the name its address resolves to.",
    )
    other_hostnames: tuple[str, ...] = setting(
        (),
        "Further names of ours: Authentication-Results that come in with one of them are cut too.",
        why="None: needed where hosts of one platform write different names, and for a name given up lately.",
    )
    postmaster_domain: str | None = setting(
        None,
        "Domain that mail to <postmaster> without a domain goes to.",
        why="Unset: the domain that was added first, since RFC 5321 wants this mail taken.",
    )
    line: Size = setting(
        Size(8192),
        "Longest line of a message, without its CRLF.",
        why="RFC 5322 says 998; programs that write longer ones are common and their mail is wanted.",
        least=998,
    )
    memory: Size = setting(
        Size(256 * 1024 * 1024),
        "Messages being received by one listener at once; beyond it those above 1 MiB are deferred with 452.",
        why="Ten of the largest messages at once, or 60,000 small ones; several copies of it fit a pod of 1 GiB.",
        least=64 * 1024 * 1024,
    )
    rcpts: int = setting(
        100, "Recipients of one message.", why="What RFC 5321 asks for at least.", unit="recipients", least=1, most=1000
    )
    messages: int = setting(
        10_000,
        "Messages of one connection, after which another must be opened.",
        why="Lets a balancer spread a busy sender.",
        unit="messages",
        least=1,
    )
    errors: int = setting(
        50,
        "Refusals since the last accepted message, after which the connection is closed.",
        why="More than a stale mailing list has in one message, less than a guesser of addresses needs.",
        unit="replies",
        least=1,
    )
    command_timeout: Duration = setting(
        Duration(300), "Silence while a command is awaited.", why="RFC 5321 §4.5.3.2.7 asks for 5 min.", least=0.1
    )
    data_timeout: Duration = setting(
        Duration(180), "Silence within a message.", why="RFC 5321 §4.5.3.2.5 asks for 3 min.", least=0.1
    )
    data_total: Duration = setting(
        Duration(1800), "All of one message.", why="25 MiB at 15 KiB/s; slower ones hold a connection.", least=0.1
    )
    deadline: Duration = setting(
        Duration(30),
        "From the end of a message to 451 when it could not be made durable.",
        why="Longer than a failover of Kafka or Cassandra, far shorter than the 10 min that clients wait.",
        least=0.1,
        most=300,
    )
    lag_age: Duration = setting(
        Duration(60),
        "Age of the oldest message waiting for a stage behind, beyond which the edge answers 451.",
        why="A burst passes in seconds; a minute means that something is wrong and senders should keep their mail.",
        least=1,
    )
    lag_records: int = setting(
        50_000,
        "Messages waiting for a stage behind, beyond which the edge answers 451.",
        why="A burst of ten thousand is welcome; fifty thousand of 4 KiB are still only 200 MiB on disk.",
        unit="messages",
        least=1,
    )

    proxies: tuple[str, ...] = setting(
        (),
        "Networks of balancers that begin each connection with a PROXY header (version 1 or 2); not for implicit TLS.",
        why="Off: who is not asked cannot lie about an address; balancers that keep the client's address need none.",
    )

    def problems(self) -> Iterator[str]:
        """Domain names are domain names, networks are networks."""
        own = [("hostname", self.hostname), ("postmaster_domain", self.postmaster_domain)]
        for name, value in [*own, *(("other_hostnames", other) for other in self.other_hostnames)]:
            if value is None:
                continue
            try:
                domain_name(value)
            except Invalid:
                yield f"{name} has {value!r}, expected a domain name"
        for text in self.proxies:
            try:
                networks([text])
            except ValueError:
                yield f"proxies has {text!r}, expected a network such as 10.0.0.0/8"

    def own_hostname(self) -> str:
        """The name set, or the machine's; never asks DNS."""
        name = self.hostname or socket.gethostname()
        try:
            return domain_name(name)
        except Invalid:
            return "localhost"

    def default_domain(self) -> DomainName | None:
        return None if self.postmaster_domain is None else domain_name(self.postmaster_domain)

    def limits(self, shared: LimitsSettings) -> Limits:
        return Limits(
            message_size=shared.message_size,
            line=self.line,
            memory=self.memory,
            rcpts=self.rcpts,
            messages=self.messages,
            errors=self.errors,
            command_timeout=self.command_timeout,
            data_timeout=self.data_timeout,
            data_total=self.data_total,
        )


SMTP: Final = Section("smtp", SmtpSettings)
