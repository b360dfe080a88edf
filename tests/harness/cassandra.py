"""A real Cassandra: one node on 127.0.0.1, or three on 127.0.0.1 to 127.0.0.3 with replication factor 3.

`commitlog_sync: batch`: an acknowledged write survives SIGKILL of the process, as the oracle of the drills demands.
The first few hundred conditional writes on a cold JVM are two to four times slower: warm up before timing anything.
"""

import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from string import Template

from cassandra import ConsistencyLevel, DriverException
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable
from cassandra.policies import RoundRobinPolicy
from cassandra.query import SimpleStatement

from harness.jvm import JavaServer
from harness.ports import free_port
from harness.process import ServerFailed
from harness.waiting import attempts

DATACENTER = "datacenter1"  # what SimpleSnitch calls it
YAML = Template((Path(__file__).parent / "templates" / "cassandra.yaml").read_text())
LOGBACK = """\
<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level [%thread] %date{ISO8601} %F:%L - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="out"/></root>
</configuration>
"""
# What JDK 17 must open to Cassandra. A superset: which of them each feature needs was not bisected.
EXPORTS = [
    "java.base/jdk.internal.misc",
    "java.management/com.sun.jmx.remote.security",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.server",
    "java.rmi/sun.rmi.transport.tcp",
    "java.sql/java.sql",
    "java.base/java.lang.ref",
    "java.base/jdk.internal.ref",
    "java.base/sun.nio.ch",
    "jdk.unsupported/sun.misc",
]
OPENS = [
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.lang.module",
    "java.base/java.lang.reflect",
    "java.base/java.math",
    "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/jdk.internal.loader",
    "java.base/jdk.internal.math",
    "java.base/jdk.internal.module",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect",
    "java.base/jdk.internal.util.jar",
    "java.base/sun.nio.ch",
    "jdk.management/com.sun.management.internal",
]
FLAGS = (
    "-Xss256k",
    "-XX:MaxDirectMemorySize=128m",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.net.preferIPv4Stack=true",
    *(flag for module in EXPORTS for flag in ("--add-exports", f"{module}=ALL-UNNAMED")),
    *(flag for module in OPENS for flag in ("--add-opens", f"{module}=ALL-UNNAMED")),
    "-Djdk.attach.allowAttachSelf=true",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "-Dcassandra-foreground=yes",
    "-Dcassandra.skip_wait_for_gossip_to_settle=0",
    "-Dcassandra.gossip_settle_min_wait_ms=0",
    "-Dcassandra.gossip_settle_interval_ms=100",
    "-Dcassandra.ring_delay_ms=100",
    "-Dcassandra.consistent.rangemovement=false",
    "-Dcassandra.shutdown_announce_in_ms=0",
    # 0 would make several nodes busy-loop over a role they are not yet able to write.
    "-Dcassandra.superuser_setup_delay_ms=2000",
    "-Dcassandra.fd_initial_value_ms=500",
    "-Dcassandra.max_local_pause_in_ms=60000",
)


class CassandraServer(JavaServer):
    """One node; alone it is a whole Cassandra, with more `addresses` the member at `address` of a cluster."""

    start_deadline = 240.0

    def __init__(
        self,
        run_dir: Path,
        *,
        address: str = "127.0.0.1",
        addresses: Sequence[str] = ("127.0.0.1",),
        port: int | None = None,
        storage_port: int | None = None,
        heap: str = "256m",
    ) -> None:
        self.address = address
        self.addresses = tuple(addresses)
        self.port = port or free_port(addresses)
        self.storage_port = storage_port or free_port(addresses)
        self.contact_points = [address]
        super().__init__(f"cassandra-{self.addresses.index(address) + 1}", run_dir, "cassandra", heap)

    def argv(self) -> Sequence[str]:
        place = self.addresses.index(self.address)
        yaml = self.home / "cassandra.yaml"
        yaml.write_text(
            YAML.substitute(
                token=-(2**63) + 1 + place * 2**64 // len(self.addresses),
                seeds=",".join(self.addresses),
                address=self.address,
                storage_port=self.storage_port,
                cql_port=self.port,
                home=self.home,
            )
        )
        logback = self.home / "logback.xml"
        logback.write_text(LOGBACK)
        paths = (
            f"-Dlogback.configurationFile={logback.as_uri()}",
            f"-Dcassandra.config={yaml.as_uri()}",
            f"-Dcassandra.storagedir={self.home}",
            f"-Dcassandra.logdir={self.home}",
        )
        return self.java([*FLAGS, *paths], ["org.apache.cassandra.service.CassandraDaemon"])

    def not_ready(self) -> str | None:
        try:
            answer = _options(self.address, self.port)
        except OSError as error:
            return f"{self.address}:{self.port}: {error}"
        return None if answer == SUPPORTED else f"answered OPTIONS with opcode {answer}"

    def cluster(self) -> Cluster:
        """A driver for this node; the caller shuts it down. Sessions of it are for synchronous use."""
        return driver(self.contact_points, self.port)

    def create_keyspace(self, name: str) -> None:
        """Creates the keyspace with one replica on every node; nothing happens if it exists already."""
        create_keyspace(self.contact_points, self.port, name, len(self.addresses))


class CassandraCluster:
    """Three nodes, replication factor 3, on 127.0.0.1 to 127.0.0.3."""

    def __init__(self, run_dir: Path, heap: str = "192m") -> None:
        self.contact_points = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
        self.port, self.storage_port = free_port(self.contact_points), free_port(self.contact_points)
        self.nodes = [
            CassandraServer(
                run_dir,
                address=address,
                addresses=self.contact_points,
                port=self.port,
                storage_port=self.storage_port,
                heap=heap,
            )
            for address in self.contact_points
        ]

    def start(self) -> None:
        """Starts what does not run, all at once; returns when a write reached all three nodes."""
        for node in self.nodes:
            if not node.running:
                node.launch()
        for node in self.nodes:
            node.wait_ready()
        self.wait_agreed()

    def wait_agreed(self, deadline: float = 60.0) -> None:
        """Returns once the schema is agreed on and a write at consistency ALL succeeds."""
        refused: Exception | None = None
        for _ in attempts(deadline, pause=0.2):
            try:
                self.create_keyspace("harness_ready")
                with driver(self.contact_points, self.port) as cluster:
                    session = cluster.connect("harness_ready")
                    session.execute("CREATE TABLE IF NOT EXISTS ready (k int PRIMARY KEY)")
                    write = SimpleStatement("INSERT INTO ready (k) VALUES (0)", consistency_level=ConsistencyLevel.ALL)
                    session.execute(write)
                return
            except (DriverException, NoHostAvailable) as error:
                refused = error
        raise ServerFailed(f"the nodes run, but not as one: {refused!r}") from refused

    def cluster(self) -> Cluster:
        """A driver for all nodes; the caller shuts it down."""
        return driver(self.contact_points, self.port)

    def create_keyspace(self, name: str) -> None:
        """Creates the keyspace with one replica on every node; nothing happens if it exists already."""
        create_keyspace(self.contact_points, self.port, name, len(self.nodes))

    def close(self) -> None:
        """Ends every node at the end of the run."""
        for node in self.nodes:
            node.close()


def driver(contact_points: Sequence[str], port: int) -> Cluster:
    """A driver with settings that suit loopback."""
    profiles = {EXEC_PROFILE_DEFAULT: ExecutionProfile(RoundRobinPolicy(), request_timeout=15.0)}
    return Cluster(contact_points, port, protocol_version=5, connect_timeout=10, execution_profiles=profiles)


def create_keyspace(contact_points: Sequence[str], port: int, name: str, replicas: int) -> None:
    """Creates a keyspace of that many replicas, or leaves one of that name as it is."""
    replication = f"{{'class': 'NetworkTopologyStrategy', '{DATACENTER}': {replicas}}}"
    with driver(contact_points, port) as cluster:
        cluster.connect().execute(f"CREATE KEYSPACE IF NOT EXISTS {name} WITH replication = {replication}")


# The native protocol's smallest exchange (version 4): OPTIONS is answered by SUPPORTED before any login.
OPTIONS, SUPPORTED = 0x05, 0x06
HEADER = struct.Struct(">BBhBi")


def _options(address: str, port: int) -> int:
    with socket.create_connection((address, port), timeout=2.0) as connection:
        connection.sendall(HEADER.pack(4, 0, 0, OPTIONS, 0))
        answer = connection.recv(HEADER.size, socket.MSG_WAITALL)
    if len(answer) < HEADER.size:
        raise ConnectionResetError("closed before it answered")
    return int(HEADER.unpack(answer)[3])
