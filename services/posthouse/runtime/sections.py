"""The sections that several processes share. What only one process reads is declared in `<process>/settings.py`."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from posthouse.dns.upstreams import parse_upstream
from posthouse.runtime.settings import Duration, Secret, Section, Size, secret, setting


@dataclass(frozen=True, slots=True)
class DataSettings:
    """Where the embedded platform keeps mail, log and directory."""

    dir: Path = setting(
        Path("posthouse-data"),
        "Directory of the embedded stores; made with mode 0700 where it is missing.",
        why="Beside the caller, so that a trial leaves nothing elsewhere; a package or chart sets an absolute path.",
    )


@dataclass(frozen=True, slots=True)
class LifecycleSettings:
    """How a process ends."""

    drain: Duration = setting(
        Duration(25),
        "Time to finish work in hand after SIGTERM.",
        why="Kubernetes kills after 30 s; 5 s remain for closing connections and flushing telemetry.",
        least=0,
        most=3600,
    )
    settle: Duration = setting(
        Duration(0),
        "Wait between turning readiness off and closing the listeners.",
        why="Nobody balances load on a laptop; the chart sets 5s, the time in which endpoints leave a Service.",
        least=0,
        most=300,
    )
    stop: Duration = setting(
        Duration(4),
        "Time for all components together to close after the drain.",
        why="Closing is short; together with drain it stays under the 30 s of Kubernetes.",
        least=0.1,
        most=300,
    )
    workers: int = setting(
        1,
        "Worker processes that share the listeners by SO_REUSEPORT.",
        why="One pod of one core scales by replicas; more only on large nodes or bare metal.",
        unit="processes",
        least=1,
        most=64,
    )


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The endpoint for probes and metrics, and of `posthouse up` for its web page and control."""

    host: str = setting(
        "127.0.0.1",
        "Address to listen on.",
        why="Metrics and control are nobody else's business; the chart sets 0.0.0.0 behind a network policy.",
    )
    port: int = setting(
        9464, "TCP port.", why="The usual port of Prometheus exporters of OpenTelemetry.", least=0, most=65535
    )
    connections: int = setting(
        64,
        "Connections at once.",
        why="A scrape and two probes need three; the rest is for people.",
        unit="connections",
        least=4,
    )
    control_token: Secret | None = secret(
        "Token with which `posthouse who` and `posthouse kick` may ask a process for its sessions.",
        why="Unset, a process tells nobody who is logged in; the embedded platform has its control socket instead.",
    )


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """Logs, traces and what they may say."""

    log_level: Literal["debug", "info", "warning", "error"] = setting(
        "info", "Least severity that is written.", why="One line per message and stage is what an operator reads."
    )
    log_format: Literal["auto", "json", "text"] = setting(
        "auto", "Form of a log line.", why="auto: text on a terminal, JSON elsewhere."
    )
    log_queue: int = setting(
        10_000,
        "Log events waiting to be written; more are dropped and counted.",
        why="A blocked pipe must not block mail; 10,000 events are a few MiB.",
        unit="events",
        least=100,
    )
    log_addresses: bool = setting(
        False,
        "Write mail addresses into logs as they are instead of hashed.",
        why="Logs go to more people than mail does; turn on for a time to find a fault.",
    )
    address_key: Secret | None = secret(
        "Key of the hash that stands for an address in logs.",
        why="Unset, each process makes its own, and hashes of different processes cannot be compared.",
    )
    otlp_endpoint: str | None = setting(
        None,
        "Base URL of an OpenTelemetry collector (OTLP over HTTP), such as http://127.0.0.1:4318.",
        why="Nothing is sent anywhere unless asked for; trace ids are in the logs all the same.",
    )
    otlp_authorization: Secret | None = secret(
        "Value of the Authorization header sent to the collector.", why="A collector in the same cluster needs none."
    )
    trace_ratio: float = setting(
        0.01,
        "Share of messages that are traced; errors always are.",
        why="A traced message costs 100 µs per stage; 1 % of mail shows every slow path within minutes.",
        least=0,
        most=1,
    )
    instance: str | None = setting(
        None, "Name of this instance in traces.", why="The host name, which is the pod name in Kubernetes."
    )

    def problems(self) -> Iterator[str]:
        """An endpoint is an http or https URL."""
        endpoint = self.otlp_endpoint
        if endpoint is not None and not endpoint.startswith(("http://", "https://")):
            yield f"otlp_endpoint is {endpoint!r}, expected http://… or https://…"


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """The certificate of the mail listeners."""

    cert: Path | None = setting(
        None,
        "PEM file with the certificate and its chain.",
        why="Unset, `posthouse up` makes a self-signed one; the other processes offer no TLS.",
    )
    key: Path | None = setting(None, "PEM file with the private key.", why="Comes with the certificate.")
    reload: Duration = setting(
        Duration(60),
        "How often the files are looked at for a change; SIGHUP looks at once.",
        why="cert-manager renews days ahead; a minute is soon enough and costs two stat calls.",
        least=1,
    )

    def problems(self) -> Iterator[str]:
        """A certificate and its key come together."""
        if (self.cert is None) != (self.key is None):
            yield "cert and key are set together or not at all"


@dataclass(frozen=True, slots=True)
class LimitsSettings:
    """Bounds that hold for every listener."""

    connections: int = setting(
        10_000,
        "Connections of one listener.",
        why="400 MB of idle IMAP sessions at 40 KiB each.",
        unit="connections",
        least=1,
    )
    connections_per_address: int = setting(
        100,
        "Connections of one listener from one address (IPv6: one /64).",
        why="A household or office behind one address, a few connections for each device.",
        unit="connections",
        least=1,
    )
    message_size: Size = setting(
        Size(25 * 1024 * 1024),
        "Largest message that is accepted, announced by SIZE and APPENDLIMIT.",
        why="What the large providers accept; attachments grow by a third in base64.",
        least=65_536,
        most=1 << 30,
    )


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """The connection to Kafka."""

    bootstrap: tuple[str, ...] = setting(
        ("127.0.0.1:9092",),
        "Brokers to ask first, host:port.",
        why="A broker on the same machine; the chart sets the real ones.",
    )
    prefix: str = setting(
        "", "Put before each topic name.", why="Only needed where several installations share a cluster."
    )
    security: Literal["plaintext", "tls", "sasl_plaintext", "sasl_tls"] = setting(
        "plaintext", "How to connect.", why="Suits the default broker only; anything beyond loopback wants tls."
    )
    ca: Path | None = setting(
        None, "PEM file of the authority that signed the brokers.", why="Unset: those of the system."
    )
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = setting(
        "SCRAM-SHA-512", "SASL mechanism.", why="The default of Strimzi's KafkaUser."
    )
    username: str | None = setting(None, "SASL user.", why="Only with sasl_*.")
    password: Secret | None = secret("SASL password.", why="Only with sasl_*.")
    request_timeout: Duration = setting(
        Duration(10),
        "Wait for a broker's answer.",
        why="SMTP clients wait minutes for the 250, people do not; a leader election takes a few seconds.",
        least=0.1,
    )
    replication: int = setting(
        3, "Copies of each topic, used only where `posthouse init` makes it.", why="Survives one broker.", least=1
    )
    partitions: int = setting(
        0,
        "Partitions of each topic, used only where `posthouse init` makes it; 0 = as each topic says.",
        why="48 to 256 suit a cluster; a trial on one machine is quicker with a few.",
        unit="partitions",
        least=0,
        most=4096,
    )

    def problems(self) -> Iterator[str]:
        """SASL has a user and a password."""
        if self.security.startswith("sasl") and (self.username is None or self.password is None):
            yield f"security is {self.security}, which needs username and password"
        for broker in self.bootstrap:
            if not broker.rpartition(":")[2].isdigit():
                yield f"bootstrap has {broker!r}, expected host:port"
        if not self.bootstrap:
            yield "bootstrap names no broker"


@dataclass(frozen=True, slots=True)
class CassandraSettings:
    """The connection to Cassandra."""

    hosts: tuple[str, ...] = setting(("127.0.0.1",), "Nodes to ask first.", why="A node on the same machine.")
    port: int = setting(9042, "Port of the native protocol.", why="The port Cassandra ships with.", least=1, most=65535)
    datacenter: str = setting(
        "datacenter1",
        "The local data centre; requests stay in it.",
        why="The name Cassandra gives when nobody chose one.",
    )
    keyspace: str = setting("posthouse", "Keyspace of all tables.", why="The name of the product.")
    username: str | None = setting(None, "User.", why="A cluster without authentication needs none.")
    password: Secret | None = secret("Password.", why="Only with username.")
    tls: bool = setting(False, "Encrypt the connection.", why="Suits the default node only.")
    ca: Path | None = setting(
        None, "PEM file of the authority that signed the nodes.", why="Unset: those of the system."
    )
    timeout: Duration = setting(
        Duration(5),
        "Wait for a statement.",
        why="Above the 2 s in which a node answers a write time-out itself, so that its answer is seen.",
        least=0.1,
    )
    replication: int = setting(
        3,
        "Copies of each row, used only where the keyspace is made.",
        why="What a quorum needs to survive one node.",
        unit="copies",
        least=1,
    )

    def problems(self) -> Iterator[str]:
        """A user has a password."""
        if (self.username is None) != (self.password is None):
            yield "username and password are set together or not at all"
        if not self.hosts:
            yield "hosts names no node"


@dataclass(frozen=True, slots=True)
class S3Settings:
    """The connection to an object store that speaks S3."""

    endpoint: str | None = setting(None, "URL of the service.", why="Unset: Amazon's of the region.")
    region: str = setting("us-east-1", "Region.", why="What most other servers expect to be called.")
    bucket: str = setting("posthouse", "Bucket of all blobs.", why="The name of the product.")
    prefix: str = setting("", "Put before each key.", why="Only needed where a bucket is shared.")
    access_key: Secret | None = secret("Access key id.", why="Unset: the identity of the pod or machine.")
    secret_key: Secret | None = secret("Secret access key.", why="Unset: the identity of the pod or machine.")
    path_style: bool = setting(
        True,
        "Put the bucket into the path and not into the host name.",
        why="Works with every server; Amazon still accepts it.",
    )
    allow_http: bool = setting(False, "Allow an endpoint without TLS.", why="Mail must not cross a network in clear.")
    timeout: Duration = setting(Duration(30), "Wait for one request.", why="25 MiB at 1 MiB/s.", least=0.1)

    def problems(self) -> Iterator[str]:
        """Keys come in pairs; plain HTTP is asked for."""
        if (self.access_key is None) != (self.secret_key is None):
            yield "access_key and secret_key are set together or not at all"
        if self.endpoint is not None and self.endpoint.startswith("http://") and not self.allow_http:
            yield "endpoint is plain HTTP; set allow_http = true to accept that"


@dataclass(frozen=True, slots=True)
class BlobSettings:
    """Where the octets of messages are kept."""

    store: Literal["cassandra", "s3"] = setting(
        "cassandra",
        "Store of blobs in the cluster; the embedded platform always uses files.",
        why="One system less to run; S3 is cheaper from some hundred GiB on.",
    )


@dataclass(frozen=True, slots=True)
class DnsSettings:
    """The recursive resolvers that are asked, and how long answers are kept."""

    upstreams: tuple[str, ...] = setting(
        (),
        "Resolvers in order of preference: address, address:port or [address]:port, with #name behind it where tls is "
        "set and the certificate names something else than the address.",
        why="Unset: those of /etc/resolv.conf, which every machine and pod has.",
    )
    tls: bool = setting(
        False,
        "Ask them over TLS only, certificate and name checked.",
        why="A resolver on the same machine or in the same cluster does not need it; one beyond it does.",
    )
    ca: Path | None = setting(
        None, "PEM file of the authority that signed the resolvers.", why="Unset: those of the system."
    )
    validating: bool = setting(
        False,
        "The resolvers check DNSSEC, and their word that an answer is authentic counts.",
        why="Only you know; without it nothing counts as signed, and DANE is not used.",
    )
    timeout: Duration = setting(
        Duration(1.5),
        "Wait for a datagram before the next resolver is asked; doubles with each round.",
        why="A resolver answers a name it does not know yet within a second as a rule.",
        least=0.05,
        most=30,
    )
    deadline: Duration = setting(
        Duration(5),
        "Wait for one look-up, all resolvers and repetitions together; then nothing is known and mail is deferred.",
        why="Senders wait minutes for a reply, but several look-ups stand before it.",
        least=0.1,
        most=60,
    )
    cache: Size = setting(
        Size(16 * 1024 * 1024),
        "Memory for answers, per process; the longest unused goes first.",
        why="About 25,000 answers: the senders of a day of a large site.",
        least=65_536,
    )
    min_ttl: Duration = setting(
        Duration(5),
        "Least time that an answer is kept, whatever its TTL.",
        why="One message asks for a name several times; more would hide changes that somebody prepared for.",
        least=1,
        most=300,
    )
    max_ttl: Duration = setting(
        Duration(3600),
        "Longest time that records are kept, whatever their TTL.",
        why="A key or policy that was changed in a hurry is seen within the hour.",
        least=1,
        most=604_800,
    )
    negative_ttl: Duration = setting(
        Duration(900),
        "Longest time that the absence of a name or record is kept.",
        why="Who adds a missing record wants to see it work; RFC 2308 allows up to three hours.",
        least=1,
        most=10_800,
    )
    serve_stale: Duration = setting(
        Duration(86_400),
        "How long records past their TTL are used where no resolver answers; 0 = never.",
        why="RFC 8767 §5 recommends one to three days; an outage of the DNS then does not stop known senders.",
        least=0,
        most=604_800,
    )

    def problems(self) -> Iterator[str]:
        """Upstreams can be read; what they say of DNSSEC can be believed."""
        upstreams = []
        for text in self.upstreams:
            try:
                upstreams.append(parse_upstream(text, tls=self.tls))
            except ValueError as e:
                yield f"upstreams has {e}"
        if self.tls and not self.upstreams:
            yield "tls is set, which needs upstreams"
        if self.validating and not self.upstreams:
            yield "validating is set, which needs upstreams: those of /etc/resolv.conf are not known to validate"
        if self.validating:
            for upstream in upstreams:
                if not upstream.safe:
                    yield (
                        f"validating is set, but {upstream} is asked over a network without TLS, where anybody may set "
                        "that it is authentic; use a resolver on this machine, or tls"
                    )
        if self.timeout > self.deadline:
            yield "timeout is longer than deadline"
        if self.min_ttl > min(self.max_ttl, self.negative_ttl):
            yield "min_ttl is longer than max_ttl or negative_ttl"


DATA: Final = Section("data", DataSettings)
LIFECYCLE: Final = Section("lifecycle", LifecycleSettings)
HTTP: Final = Section("http", HttpSettings)
TELEMETRY: Final = Section("telemetry", TelemetrySettings)
TLS: Final = Section("tls", TlsSettings)
LIMITS: Final = Section("limits", LimitsSettings)
KAFKA: Final = Section("kafka", KafkaSettings)
CASSANDRA: Final = Section("cassandra", CassandraSettings)
S3: Final = Section("s3", S3Settings)
BLOB: Final = Section("blob", BlobSettings)
DNS: Final = Section("dns", DnsSettings)

SHARED: Final = (DATA, LIFECYCLE, HTTP, TELEMETRY, TLS, LIMITS, KAFKA, CASSANDRA, S3, BLOB, DNS)
"""In the order of the reference page. The composition root adds the sections of the processes."""
