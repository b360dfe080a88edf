"""`posthouse up` as people start it: what is in the way is said in a sentence, and nothing is half made."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness.ports import free_port
from harness.waiting import attempts

PORTS = ("mx.port", "http.port", "imap.port", "submission.port", "submission.tls_port", "imap.tls_port")


def command(path: Path, ports: dict[str, int], *more: str) -> list[str]:
    sets = [part for key, port in ports.items() for part in ("--set", f"{key}={port}")]
    data = ["--data", str(path / "data")]
    return [sys.executable, "-m", "posthouse.cli", "up", *data, "--accounts", "1", *sets, *more]


def started(arguments: list[str], ready: Path) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    process = subprocess.Popen([*arguments, "--ready-file", str(ready)], stderr=subprocess.PIPE)
    for _ in attempts(120):
        if ready.exists():
            told = json.loads(ready.read_text())
            if told["pid"] == process.pid:
                return process, told
        assert process.poll() is None, process.communicate()[1]
    raise AssertionError("not ready in 120 s")


def test_a_taken_port_is_named_and_no_password_is_lost(tmp_path: Path) -> None:
    ports = {key: free_port() for key in PORTS}
    with socket.create_server(("127.0.0.1", ports["imap.port"])):
        done = subprocess.run(command(tmp_path, ports), check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert f"imap cannot listen on 127.0.0.1:{ports['imap.port']}: Address already in use" in done.stderr
    assert "Traceback" not in done.stderr
    process, told = started(command(tmp_path, ports), tmp_path / "ready")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert told["accounts"][0]["password"], "made at the first start that could tell it"


def test_a_ready_file_of_a_killed_process_is_not_believed(tmp_path: Path) -> None:
    ports, ready = {key: free_port() for key in PORTS}, tmp_path / "ready"
    first, _ = started(command(tmp_path, ports), ready)
    os.kill(first.pid, signal.SIGKILL)
    first.wait(60)
    assert ready.exists()
    second, told = started(command(tmp_path, ports), ready)
    assert told["pid"] == second.pid
    assert told["accounts"][0]["password"] is None
    second.send_signal(signal.SIGTERM)
    assert second.wait(60) == 0
    assert not ready.exists()


def test_places_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    ports = {key: free_port() for key in PORTS}
    nowhere = str(tmp_path / "none" / "ready")
    arguments = [*command(tmp_path, ports), "--ready-file", nowhere]
    done = subprocess.run(arguments, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert f"there is no directory {tmp_path / 'none'} for --ready-file" in done.stderr
    (tmp_path / "file").touch()
    done = subprocess.run(command(tmp_path / "file", ports), check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "cannot be made" in done.stderr
    assert "Traceback" not in done.stderr
