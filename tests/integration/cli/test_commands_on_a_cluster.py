"""Commands on a cluster: its tables and topics made, accounts added, a message followed, sessions seen in other
processes; on a real Kafka and a real Cassandra."""

import imaplib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cassandra import CassandraServer
from harness.kafka import KafkaServer
from harness.posthouse_cluster import PosthouseCluster

ALICE = "alice@example.org"
ROLES = {"mailstore": 1, "filter": 1, "delivery": 1, "mx": 1, "imap": 2}


class Cluster:
    def __init__(self, run_dir: Path, kafka: KafkaServer, cassandra: CassandraServer) -> None:
        token = run_dir / "control-token"
        token.write_text("a token of the operator\n")
        self.processes = PosthouseCluster(
            run_dir,
            kafka.bootstrap,
            cassandra.address,
            cassandra.port,
            roles=ROLES,
            settings={"http.control_token_file": f'"{token}"'},
        )

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "posthouse.cli", *arguments, "--config", str(self.processes.config)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        assert result.returncode == code, (result.returncode, result.stdout, result.stderr)
        return result

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def findings(self, code: int) -> dict[str, str]:
        return {finding["check"]: finding["state"] for finding in self.json("doctor", code=code)}


@pytest.fixture(scope="module")
def cluster(
    tmp_path_factory: pytest.TempPathFactory, kafka: KafkaServer, cassandra: CassandraServer
) -> Iterator[Cluster]:
    found = Cluster(tmp_path_factory.mktemp("cluster"), kafka, cassandra)
    yield found
    if any(process.running for process in found.processes.processes.values()):
        found.processes.stop()


@pytest.mark.timeout(900)
@pytest.mark.servers("kafka", "cassandra")
def test_from_nothing_to_a_delivered_message(cluster: Cluster) -> None:
    assert "posthouse init" in cluster.run("domain", "list", code=3).stderr
    before = cluster.findings(code=4)
    assert (before["kafka"], before["topics"], before["cassandra"]) == ("ok", "fail", "fail")

    assert any("mail.accepted.v1" in line for line in cluster.json("init"))
    assert not any("mail.accepted.v1" in line for line in cluster.json("init"))
    assert cluster.json("domain", "add", "example.org")["password"]
    password = cluster.json("account", "add", ALICE)["password"]
    between = cluster.findings(code=0)
    assert (between["topics"], between["cassandra"], between["commit log"]) == ("ok", "ok", "ok")
    assert between["processes"] == "warn"

    cluster.processes.start_processes()
    (mx,) = cluster.processes.of("mx")
    host, port = mx.listener("mx")
    trail = cluster.json("send", "--to", ALICE, "--via", f"{host}:{port}")
    assert [(d["account"], d["state"]) for d in trail["deliveries"]] == [(ALICE, "stored")]
    assert cluster.json("mailbox", "status", ALICE)["mailboxes"][0]["messages"] == 1
    assert cluster.json("ledger", "audit")["counts"]["stored"] == 1
    assert cluster.run("account", "check", "--all").stdout.count(": sound") == 2

    one, two = (imaplib.IMAP4(*process.listener("imap")) for process in cluster.processes.of("imap"))
    for client in (one, two):
        client.login(ALICE, password)
    sessions = cluster.json("who")["sessions"]
    assert [s["login"] for s in sessions] == [ALICE, ALICE]
    assert len({s["process"] for s in sessions}) == 2
    cluster.run("kick", sessions[0]["session_id"])
    assert [s["session_id"] for s in cluster.json("who")["sessions"]] == [sessions[1]["session_id"]]
    assert cluster.json("account", "passwd", ALICE)["ended"] == 1
    for client in (one, two):
        with pytest.raises(imaplib.IMAP4.abort):
            client.noop()

    roles = [process["role"] for process in cluster.json("status")["processes"]]
    assert sorted(roles) == ["delivery", "filter", "imap", "imap", "mailstore", "mx"]
    cluster.processes.of("imap")[1].kill()
    silent = cluster.json("who", code=3)
    assert len(silent["unanswered"]) == 1
    assert "posthouse-data" not in cluster.run("status").stdout
