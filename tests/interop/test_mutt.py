"""mutt, driven by keystrokes in a terminal of its own: it lists, reads, flags, saves and deletes."""

from __future__ import annotations

import os
import pty
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.debian_programs import program
from harness.imap_server import ThreadedImap, threaded_imap_server
from harness.imap_transcript import MESSAGES
from posthouse.model.flags import FLAGGED, SEEN
from posthouse.model.ids import AccountId

CONFIG = """
set folder=imap://127.0.0.1:{port}/ spoolfile=+INBOX
set imap_user=ann@example.org imap_pass=secret ssl_starttls=no ssl_force_tls=no imap_authenticators=login
set confirmappend=no confirmcreate=no delete=yes move=no quit=yes mark_old=no sort=mailbox-order
set header_cache="" message_cachedir="" record="" postponed=+Drafts wait_key=no
push "{keys}"
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[ThreadedImap, AccountId]]:
    with threaded_imap_server(tmp_path / "server") as running:
        account = running.call(running.live.account("ann@example.org"))
        for name in ("plain", "two", "parts"):
            running.call(running.live.deliver(account, MESSAGES[name]))
        yield running, account


def mutt(path: Path, port: int, keys: str) -> str:
    """What was on the screen, all of it."""
    config = path / "muttrc"
    config.write_text(CONFIG.format(port=port, keys=keys))
    binary = program("mutt", "mutt")
    pid, terminal = pty.fork()
    if pid == 0:
        environment = {**os.environ, "TERM": "xterm", "HOME": str(path), "LINES": "40", "COLUMNS": "100"}
        os.execve(binary, [binary, "-F", str(config)], environment)
    screen, deadline = b"", time.monotonic() + 120
    try:
        while time.monotonic() < deadline:
            ready, _, _ = select.select([terminal], [], [], 0.2)
            if not ready:
                continue
            try:
                chunk = os.read(terminal, 65536)
            except OSError:  # Linux says EIO when the other side has ended
                chunk = b""
            if not chunk:
                _, status = os.waitpid(pid, 0)
                assert os.waitstatus_to_exitcode(status) == 0, screen.decode("utf-8", "replace")
                return screen.decode("utf-8", "replace")
            screen += chunk
        raise AssertionError(screen.decode("utf-8", "replace"))
    finally:
        os.close(terminal)
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pid = 0


async def flags(running: ThreadedImap, account: AccountId, mailbox: str) -> dict[int, int]:
    view = await running.live.store.view(account)
    found = view.by_name(mailbox)
    assert found is not None
    contents = await running.live.store.contents(account, found.number)
    return dict(zip(contents.uids, contents.sys, strict=True))


def test_read_flag_save_delete(server: tuple[ThreadedImap, AccountId], tmp_path: Path) -> None:
    running, account = server
    copy = tmp_path / "copy"
    keys = (
        f"<first-entry><display-message><exit><flag-message>"
        f"<first-entry><copy-message>{copy}<enter>"
        "<last-entry><save-message>=Archive<enter>"
        "<first-entry><next-entry><delete-message><sync-mailbox><quit>"
    )
    screen = mutt(tmp_path, running.port, keys)
    assert "Lunch?" in screen
    assert "At noon." in copy.read_text()
    assert running.call(flags(running, account, "INBOX")) == {1: SEEN | FLAGGED}
    assert list(running.call(flags(running, account, "Archive"))) == [1]
