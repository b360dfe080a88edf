import re
from pathlib import Path
from string import Template

import pytest

import peers

FOLDER = Path(peers.__file__).with_name("peers")


@pytest.mark.parametrize("name", ["main.cf", "master.cf", "dovecot.conf"])
def test_templates_ask_only_for_what_is_filled_in(name: str) -> None:
    asked = set(re.findall(r"\$([A-Z_]+)", (FOLDER / name).read_text()))
    assert asked <= {"DIR", "MAILLOG", "SMTP_PORT", "IMAP_PORT", "IMAPS_PORT", "LMTP_PORT"}
    filled = Template((FOLDER / name).read_text()).safe_substitute(dict.fromkeys(asked, "filled"))
    assert "$" not in filled


def test_only_loopback_is_listened_on() -> None:
    assert "inet_interfaces = 127.0.0.1" in (FOLDER / "main.cf").read_text()
    assert re.findall(r"(?m)^(\S+):\$SMTP_PORT inet", (FOLDER / "master.cf").read_text()) == ["127.0.0.1"]
    dovecot = (FOLDER / "dovecot.conf").read_text()
    assert set(re.findall(r"(?m)^ +address = (\S+)", dovecot)) == {"127.0.0.1"}
    assert dovecot.count("inet_listener") == dovecot.count("  address =")


def test_the_ready_file_appears_whole_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "ready.json"
    peers.write_ready(path, {"pid": 1})
    assert path.read_text() == '{"pid": 1}'
    assert path.stat().st_mode & 0o077 == 0
    assert [each.name for each in tmp_path.iterdir()] == ["ready.json"]


def test_without_root_the_peers_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers.shutil, "which", lambda *_args, **_kwargs: "/usr/sbin/x")
    monkeypatch.setattr(peers, "_MASTER", Path("/"))
    monkeypatch.setattr(peers.os, "geteuid", lambda: 1000)
    assert "root" in (peers.missing() or "")
    monkeypatch.setattr(peers.os, "geteuid", lambda: 0)
    assert peers.missing() is None
    monkeypatch.setattr(peers.shutil, "which", lambda *_args, **_kwargs: None)
    assert "postfix" in (peers.missing() or "")
