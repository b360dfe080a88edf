"""A real Kafka (KRaft): one broker that is its own controller, or a cluster of three.

A single broker keeps every acknowledged record over SIGKILL (the page cache outlives the process). Topics are never
created by themselves: tests create what they use. After SIGKILL of a member a cluster needs `broker.session.timeout.ms`
(3 s) to notice; with two of three dead nothing is acknowledged and no client error appears.
"""

import asyncio
import base64
import shutil
import socket
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, for_code

from harness.install import KAFKA_CLUSTER_ID, installed
from harness.jvm import JavaServer
from harness.ports import free_port

HOST = "127.0.0.1"
READY_TOPIC = "harness-ready"
TOPIC_ALREADY_EXISTS = 36
LOG4J = """\
status=error
appender.c.type=Console
appender.c.name=c
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=%d %p %m (%c)%n
rootLogger.level=warn
rootLogger.appenderRef.c.ref=c
"""


@dataclass(frozen=True, slots=True)
class Node:
    """One broker's place in its cluster: its id and its ports on loopback."""

    id: int
    port: int
    controller_port: int


class KafkaServer(JavaServer):
    """One broker. Alone it is a whole Kafka; with `nodes` of three it is the member `node` of a cluster.

    `advertised` is the address clients are told to use, for a proxy in between; `properties` override the defaults.
    """

    def __init__(
        self,
        run_dir: Path,
        *,
        node: Node | None = None,
        nodes: Sequence[Node] = (),
        advertised: tuple[str, int] | None = None,
        properties: Mapping[str, str] | None = None,
        heap: str = "96m",
    ) -> None:
        self.node = node or Node(1, free_port(), free_port())
        self.nodes = nodes or (self.node,)
        super().__init__(f"kafka-{self.node.id}", run_dir, "kafka", heap)
        self.port = self.node.port
        self.bootstrap = f"{HOST}:{self.port}"
        self._advertised = advertised or (HOST, self.port)
        self._properties = dict(properties or {})

    def argv(self) -> Sequence[str]:
        self._format()
        settings = {**_defaults(self.node, self.nodes, self._advertised, self.home / "data"), **self._properties}
        properties = self.home / "server.properties"
        properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        log4j = self.home / "log4j2.properties"
        log4j.write_text(LOG4J)
        return self.java([f"-Dlog4j2.configurationFile={log4j}"], ["kafka.Kafka", str(properties)])

    def not_ready(self) -> str | None:
        if reason := _refused(self.port):
            return reason
        # In a thread: the caller may be a coroutine's thread, which already runs an event loop.
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, self._probe()).result()

    async def create_topic(self, name: str, partitions: int = 1, config: Mapping[str, str] | None = None) -> None:
        """Creates a topic with a replica on every broker; nothing happens if it exists already."""
        await create_topic(self.bootstrap, name, partitions, config, replicas=len(self.nodes))

    async def _probe(self) -> str | None:
        try:
            async with asyncio.timeout(10.0):
                if len(self.nodes) > 1:
                    return await self._registered()
                return await unwritable(self.bootstrap, replicas=1)
        except (KafkaError, OSError, TimeoutError) as error:
            return repr(error)

    async def _registered(self) -> str | None:
        """Whether this member takes part; the cluster as a whole may still lack a majority."""
        client = AIOKafkaClient(bootstrap_servers=self.bootstrap)
        try:
            await client.bootstrap()
            known = {broker.nodeId for broker in client.cluster.brokers()}
        finally:
            await client.close()
        return None if self.node.id in known else f"broker {self.node.id} is not among {known}"

    def _format(self) -> None:
        """Puts formatted storage in place; the files hold nothing of the node but its id and a name of the folder."""
        data = self.home / "data"
        if data.exists():
            return
        shutil.copytree(installed("kafka") / "formatted", data)
        # A cluster refuses two folders of one name; it must decode to 16 octets.
        directory_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        (data / "meta.properties").write_text(
            f"version=1\ncluster.id={KAFKA_CLUSTER_ID}\nnode.id={self.node.id}\ndirectory.id={directory_id}\n"
        )


class KafkaCluster:
    """Three brokers that are also the controllers: replication factor 3, two in-sync replicas to acknowledge."""

    def __init__(self, run_dir: Path, properties: Mapping[str, str] | None = None) -> None:
        nodes = [Node(number, free_port(), free_port()) for number in (1, 2, 3)]
        self.brokers = [KafkaServer(run_dir, node=node, nodes=nodes, properties=properties) for node in nodes]
        self.bootstrap = ",".join(broker.bootstrap for broker in self.brokers)

    def start(self) -> None:
        """Starts what does not run, all at once; returns when a record is acknowledged by the cluster."""
        for broker in self.brokers:
            if not broker.running:
                broker.launch()
        for broker in self.brokers:
            broker.wait_ready()
        with ThreadPoolExecutor(1) as pool:
            reason = pool.submit(asyncio.run, unwritable(self.bootstrap, replicas=3)).result()
        if reason:
            raise RuntimeError(f"all brokers run, yet: {reason}")

    async def create_topic(self, name: str, partitions: int = 1, config: Mapping[str, str] | None = None) -> None:
        """Creates a topic with a replica on every broker; nothing happens if it exists already."""
        await create_topic(self.bootstrap, name, partitions, config, replicas=3)

    def close(self) -> None:
        """Ends every broker at the end of the run."""
        for broker in self.brokers:
            broker.close()


async def create_topic(
    bootstrap: str, name: str, partitions: int = 1, config: Mapping[str, str] | None = None, *, replicas: int
) -> None:
    """Creates a topic, or leaves one of that name as it is; raises the KafkaError the broker answered."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics([NewTopic(name, partitions, replicas, topic_configs=dict(config or {}))])
    finally:
        await admin.close()
    for _, code, *_ in answer.topic_errors:
        if code not in (0, TOPIC_ALREADY_EXISTS):
            raise for_code(code)(name)


async def unwritable(bootstrap: str, replicas: int) -> str | None:
    """Why no record can be written yet, or None: the port of a fresh broker is open before topics can be made."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    try:
        await create_topic(bootstrap, READY_TOPIC, replicas=replicas)
        await producer.start()
        await producer.send_and_wait(READY_TOPIC, b"ready")
    except KafkaError as error:
        return repr(error)
    finally:
        await producer.stop()
    return None


def _refused(port: int) -> str | None:
    try:
        socket.create_connection((HOST, port), timeout=1.0).close()
    except OSError as error:
        return f"port {port}: {error}"
    return None


def _defaults(node: Node, nodes: Sequence[Node], advertised: tuple[str, int], data: Path) -> dict[str, str]:
    replicas = len(nodes)
    in_sync = 2 if replicas > 1 else 1
    settings = {
        "process.roles": "broker,controller",
        "node.id": node.id,
        "controller.quorum.voters": ",".join(f"{each.id}@{HOST}:{each.controller_port}" for each in nodes),
        "listeners": f"PLAINTEXT://{HOST}:{node.port},CONTROLLER://{HOST}:{node.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{advertised[0]}:{advertised[1]}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": data,
        "num.partitions": 4,
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replicas,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": 1,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
        "share.coordinator.state.topic.num.partitions": 1,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 500,
        "auto.create.topics.enable": "false",
        "num.network.threads": 2,
        "num.io.threads": 2,
        "background.threads": 2,
        "num.recovery.threads.per.data.dir": 1,
        "log.cleaner.dedupe.buffer.size": 4194304,
        "log.cleaner.threads": 1,
        "log.cleaner.backoff.ms": 500,
        "log.segment.bytes": 16777216,
        "log.index.size.max.bytes": 1048576,
        "broker.heartbeat.interval.ms": 500,
        "broker.session.timeout.ms": 3000,
    }
    if replicas > 1:
        settings |= {
            "broker.rack": f"r{node.id}",
            "replica.lag.time.max.ms": 3000,
            "controller.quorum.election.timeout.ms": 1000,
        }
    return {name: str(value) for name, value in settings.items()}
