"""mbsync (Debian's isync) keeps a Maildir and a mailbox the same, both ways."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.debian_programs import program
from harness.imap_server import ThreadedImap, threaded_imap_server
from harness.imap_transcript import MESSAGES
from posthouse.model.flags import SEEN, Flags
from posthouse.model.ids import AccountId

CONFIG = """
IMAPAccount posthouse
Host 127.0.0.1
Port {port}
User ann@example.org
Pass secret
SSLType None
AuthMechs {mechanism}

IMAPStore remote
Account posthouse

MaildirStore local
Path {path}/mail/
Inbox {path}/mail/INBOX
SubFolders Verbatim

Channel all
Far :remote:
Near :local:
Patterns *
Create Both
Expunge Both
SyncState *
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[ThreadedImap, AccountId]]:
    with threaded_imap_server(tmp_path / "server") as running:
        account = running.call(running.live.account("ann@example.org"))
        for name in ("plain", "two", "parts"):
            running.call(running.live.deliver(account, MESSAGES[name]))
        yield running, account


def sync(path: Path, port: int, mechanism: str = "LOGIN") -> None:
    (path / "mail").mkdir(exist_ok=True)
    config = path / "mbsyncrc"
    config.write_text(CONFIG.format(port=port, path=path, mechanism=mechanism))
    config.chmod(0o600)
    done = subprocess.run(
        [program("mbsync", "isync"), "-c", str(config), "all"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def local(path: Path, mailbox: str) -> dict[str, str]:
    """Subject → maildir flags."""
    found = {}
    for folder in ("cur", "new"):
        for message in (path / "mail" / mailbox / folder).iterdir():
            subject = next(line for line in message.read_text().splitlines() if line.startswith("Subject:"))
            found[subject.removeprefix("Subject: ")] = message.name.partition(":2,")[2]
    return found


async def remote(running: ThreadedImap, account: AccountId, mailbox: str) -> list[int]:
    """System flags of its messages."""
    view = await running.live.store.view(account)
    found = view.by_name(mailbox)
    assert found is not None
    return list((await running.live.store.contents(account, found.number)).sys)


def test_both_ways(server: tuple[ThreadedImap, AccountId], tmp_path: Path) -> None:
    running, account = server
    sync(tmp_path, running.port)
    assert local(tmp_path, "INBOX") == {"Lunch?": "", "two": "", "parts": ""}

    # There and here something changes.
    running.call(running.live.deliver(account, b"Subject: fourth\r\n\r\nx\r\n", flags=Flags(SEEN)))
    inbox = tmp_path / "mail" / "INBOX"
    lunch = next(m for f in ("cur", "new") for m in (inbox / f).iterdir() if "Lunch?" in m.read_text())
    lunch.rename(inbox / "cur" / (lunch.name.partition(":")[0] + ":2,S"))
    two = next(m for f in ("cur", "new") for m in (inbox / f).iterdir() if "Subject: two" in m.read_text())
    two.rename(inbox / "cur" / (two.name.partition(":")[0] + ":2,ST"))
    (tmp_path / "mail" / "Sent" / "cur" / "1.1.here:2,S").write_text("Subject: from here\n\nwritten here\n")
    sync(tmp_path, running.port)
    assert local(tmp_path, "INBOX") == {"Lunch?": "S", "parts": "", "fourth": "S"}
    assert running.call(remote(running, account, "INBOX")) == [SEEN, 0, SEEN]
    assert running.call(remote(running, account, "Sent")) == [SEEN]

    # And then all is quiet.
    modseq = running.call(running.live.store.view(account)).modseq
    sync(tmp_path, running.port)
    assert running.call(running.live.store.view(account)).modseq == modseq


def test_a_new_local_folder(server: tuple[ThreadedImap, AccountId], tmp_path: Path) -> None:
    running, account = server
    sync(tmp_path, running.port)
    for name in ("cur", "new", "tmp"):
        (tmp_path / "mail" / "Projects" / name).mkdir(parents=True)
    (tmp_path / "mail" / "Projects" / "new" / "1.1.here").write_text("Subject: plan\n\nx\n")
    sync(tmp_path, running.port)
    assert running.call(remote(running, account, "Projects")) == [0]
