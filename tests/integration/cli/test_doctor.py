"""doctor with sockets: ports that are taken, listeners that answer or do not."""

import json
import socket

import pytest

from harness.command import Commands
from harness.ports import free_port
from posthouse.cli.doctor import listeners


def test_free_and_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    base = free_port()
    monkeypatch.setattr(listeners, "STANDARD", {"mx": 0})
    assert [f.state for f in listeners.free("127.0.0.1", base)] == ["ok"]
    with socket.create_server(("127.0.0.1", base)):
        (finding,) = listeners.free("127.0.0.1", base)
    assert (finding.state, f":{base}" in finding.fix) == ("fail", True)
    (elsewhere,) = listeners.free("192.0.2.1", base)
    assert elsewhere.state == "warn"


def test_answering_and_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert [f.state for f in listeners.answering({"mx": address})] == ["ok"]
    (finding,) = listeners.answering({"mx": f"127.0.0.1:{free_port()}"})
    assert finding.state == "fail"


def test_the_command(commands: Commands) -> None:
    base = free_port() - 25
    with socket.create_server(("127.0.0.1", base + 25)):
        text = commands.text("doctor", "--port-base", str(base), code=4)
    assert f"mx: 127.0.0.1:{base + 25} is taken" in text
    assert "→ end what listens there" in text
    assert "1 to fix" in text
    found = json.loads(commands.text("doctor", "--port-base", str(base), "--json"))
    assert {f["check"] for f in found} >= {"python", "sqlite", "libraries", "clock", "fsync", "directory", "ports"}
    assert all(f["fix"] for f in found if f["state"] != "ok")
