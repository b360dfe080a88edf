"""clamd, with signatures of the test's own: nothing is fetched. From Debian's packages, unpacked and not installed."""

from __future__ import annotations

import getpass
import hashlib
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.attached import EICAR
from harness.debian_programs import unpacked
from harness.ports import free_port
from harness.process import Server

PHRASE = b"Posthouse-Test-Phrase-of-a-virus"

CONFIG = """\
DatabaseDirectory {home}/signatures
TCPAddr 127.0.0.1
TCPSocket {port}
LocalSocket {home}/clamd.sock
Foreground yes
PidFile {home}/clamd.pid
User {user}
StreamMaxLength 4M
MaxThreads 4
SelfCheck 0
IdleTimeout {idle}
"""


class ClamdServer(Server):
    """Knows EICAR and PHRASE. `idle`: seconds until it closes a connection that asks nothing."""

    start_deadline = 120.0

    def __init__(self, run_dir: Path, *, idle: int = 30) -> None:
        self.port = free_port()
        super().__init__(f"clamd-{self.port}", run_dir)
        self._program, self._libraries = unpacked("usr/sbin/clamd", "clamav-daemon")
        signatures = self.home / "signatures"
        signatures.mkdir(exist_ok=True)
        digest = hashlib.md5(EICAR, usedforsecurity=False).hexdigest()
        (signatures / "posthouse.hdb").write_text(f"{digest}:{len(EICAR)}:Eicar-Test-Signature-Hash\n")
        lines = [f"Eicar-Test-Signature:0:*:{EICAR.hex()}", f"Posthouse-Test-Phrase:0:*:{PHRASE.hex()}"]
        (signatures / "posthouse.ndb").write_text("\n".join(lines) + "\n")
        self._config = self.home / "clamd.conf"
        self._config.write_text(CONFIG.format(home=self.home, port=self.port, user=getpass.getuser(), idle=idle))

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def socket_address(self) -> str:
        return f"unix:{self.home}/clamd.sock"

    def argv(self) -> Sequence[str]:
        return [str(self._program), "-c", str(self._config)]

    def environment(self) -> Mapping[str, str]:
        inherited = os.environ.get("LD_LIBRARY_PATH", "")
        return {"LD_LIBRARY_PATH": ":".join([*self._libraries, *([inherited] if inherited else [])])}

    def not_ready(self) -> str | None:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1.0) as probe:
                probe.sendall(b"zPING\0")
                said = probe.recv(16)
        except OSError as error:
            return str(error)
        return None if said == b"PONG\0" else f"said {said!r}"
