"""Fixtures shared by all tests: the real servers and a folder for what one run leaves on disk.

Servers start when the first test asks for one, together with all others that the collected tests name as fixtures, in
parallel; one set serves the whole run, so tests make topics, keyspaces and object prefixes of their own. A test that
gets a server by `request.getfixturevalue` announces it with `@pytest.mark.servers("kafka", …)`.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from harness.cassandra import CassandraServer
from harness.kafka import KafkaServer
from harness.otlp import OtlpReceiver
from harness.posthouse_cluster import PosthouseCluster
from harness.servers import MAKERS, ServerSet
from harness.versitygw import VersityGw

WANTED = pytest.StashKey[set[str]]()
SERVERS = pytest.StashKey[ServerSet]()
CLUSTERS = pytest.StashKey[list[PosthouseCluster]]()

# How long an example takes says how busy the machine is, not whether it is right.
settings.register_profile("posthouse", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("posthouse")


def pytest_collection_finish(session: pytest.Session) -> None:
    wanted: set[str] = set()
    for item in session.items:
        wanted.update(getattr(item, "fixturenames", ()))
        for marker in item.iter_markers("servers"):
            wanted.update(marker.args)
    session.config.stash[WANTED] = wanted.intersection(MAKERS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    yield
    if SERVERS in item.config.stash:
        item.config.stash[SERVERS].recover()
    for cluster in item.config.stash.get(CLUSTERS, []):
        cluster.recover()


@pytest.fixture(scope="session")
def run_dir(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder for this run's servers; their logs stay behind when a test failed, their data never does."""
    folder = Path(tempfile.mkdtemp(prefix="posthouse-run-"))
    yield folder
    if request.session.testsfailed:
        for log in list(folder.rglob("output.log")):
            for data in log.parent.glob("*/"):
                shutil.rmtree(data)
        print(f"\nlogs of the servers: {folder}")
    else:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest, run_dir: Path) -> Iterator[ServerSet]:
    """The set of real servers; tests use the fixtures named after them."""
    wanted: set[str] = request.config.stash[WANTED]
    started = request.config.stash[SERVERS] = ServerSet(run_dir, wanted)
    yield started
    started.close()


@pytest.fixture(scope="session")
def kafka(servers: ServerSet) -> KafkaServer:
    """A running Kafka of one broker."""
    server: KafkaServer = servers.get("kafka")
    return server


@pytest.fixture(scope="session")
def cassandra(servers: ServerSet) -> CassandraServer:
    """A running Cassandra of one node."""
    server: CassandraServer = servers.get("cassandra")
    return server


@pytest.fixture(scope="session")
def s3(servers: ServerSet) -> VersityGw:
    """A running S3 server with one bucket."""
    server: VersityGw = servers.get("s3")
    return server


@pytest.fixture(scope="session")
def posthouse(
    request: pytest.FixtureRequest, run_dir: Path, kafka: KafkaServer, cassandra: CassandraServer
) -> Iterator[PosthouseCluster]:
    """Posthouse as separate processes, two of each role; tests make accounts of their own."""
    cluster = PosthouseCluster(run_dir, kafka.bootstrap, cassandra.address, cassandra.port)
    yield from _running(request.config.stash, cluster)


@pytest.fixture(scope="session")
def posthouse_s3(
    request: pytest.FixtureRequest, run_dir: Path, kafka: KafkaServer, cassandra: CassandraServer, s3: VersityGw
) -> Iterator[PosthouseCluster]:
    """The same with one process of each role, and large bodies in S3."""
    roles = dict.fromkeys(("mailstore", "filter", "delivery", "mx", "imap"), 1)
    cluster = PosthouseCluster(run_dir, kafka.bootstrap, cassandra.address, cassandra.port, roles=roles, s3=s3)
    yield from _running(request.config.stash, cluster)


def _running(stash: pytest.Stash, cluster: PosthouseCluster) -> Iterator[PosthouseCluster]:
    """Brought back after each test, like the servers."""
    clusters = stash.setdefault(CLUSTERS, [])
    try:
        asyncio.run(cluster.start())
        clusters.append(cluster)
        yield cluster
    finally:
        if cluster in clusters:
            clusters.remove(cluster)
        cluster.close()


@pytest.fixture
def otlp() -> Iterator[OtlpReceiver]:
    """An OTLP receiver of this test's own, over HTTP and gRPC."""
    receiver = OtlpReceiver()
    receiver.start()
    yield receiver
    receiver.close()
