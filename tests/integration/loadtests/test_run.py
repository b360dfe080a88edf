import json
import sys
from pathlib import Path

import pytest

from run import Server, ServerFailed, parser

# Writes a ready file as the platform does: the password of an account only when it was made, not the next time.
FAKE = """
import json, os, pathlib, sys, time
ready, data = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
there = data.exists()
data.mkdir(exist_ok=True)
accounts = [{"address": "a@example.org", "password": None if there else "first"}]
part = ready.with_suffix(".part")
part.write_text(json.dumps({"pid": os.getpid(), "version": "7", "listeners": {}, "accounts": accounts}))
part.rename(ready)
time.sleep(30)
"""


def _server(tmp_path: Path, text: str) -> Server:
    script = tmp_path / "fake.py"
    script.write_text(text)
    return Server("fake", f"{sys.executable} {script} {{ready}} {{data}}", tmp_path / "home", 24000, 1)


def _told(server: Server) -> str | None:
    password: str | None = json.loads(server.target_file.read_text())["accounts"][0]["password"]
    return password


def test_passwords_are_remembered_over_a_restart_and_forgotten_with_the_store(tmp_path: Path) -> None:
    server = _server(tmp_path, FAKE)
    server.start()
    try:
        assert server.version() == "7"
        first = server.process
        assert _told(server) == "first"
        server.restart()
        assert json.loads(server.ready_file.read_text())["accounts"][0]["password"] is None
        assert _told(server) == "first"
        server.passwords["a@example.org"] = "old"
        server.restart(fresh=True)
        assert _told(server) == "first"
    finally:
        last = server.process
        server.stop()
    assert first is not None
    assert last is not None
    assert first.returncode is not None
    assert last.returncode is not None


def test_a_server_that_ends_is_reported_with_what_it_said(tmp_path: Path) -> None:
    server = _server(tmp_path, "raise SystemExit('no disk left')")
    with pytest.raises(ServerFailed, match="no disk left"):
        server.start()


def test_a_server_that_never_is_ready_is_ended(tmp_path: Path) -> None:
    server = _server(tmp_path, "import time; time.sleep(30)")
    with pytest.raises(ServerFailed, match="not ready after"):
        server.start(limit_s=0.5)
    assert server.process is None


def test_peers_and_peers_only_exclude_each_other() -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--peers", "--peers-only"])
