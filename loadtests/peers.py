"""Debian's Postfix and Dovecot as a peer under the same load: private directory, loopback high ports, no services.

    python loadtests/peers.py up --data DIR --port-base 24100 --ready-file READY [--accounts 100]

Postfix takes SMTP, queues, and hands over by LMTP on TCP; Dovecot stores maildir and serves IMAP. Both run in the
foreground below this process, so its pid is the root of the tree that is measured, and both are ended by their pids.
READY has the form of `posthouse up`'s ready file. Needs root (Postfix binds to its own user) and
`apt-get install --no-install-recommends postfix dovecot-core dovecot-imapd dovecot-lmtpd` with a policy-rc.d that
keeps the system services from starting. Ends on SIGTERM, SIGINT or after --max-seconds.
"""

import argparse
import datetime
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from string import Template
from types import FrameType

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_TEMPLATES = Path(__file__).with_name("peers")
_MASTER = Path("/usr/lib/postfix/sbin/master")
_FIRST_UID = 20_000  # of the accounts' mail; no such users need exist
_PACKAGES = "postfix dovecot-core dovecot-imapd dovecot-lmtpd"


class PeerMissing(RuntimeError):
    """Postfix or Dovecot is not installed, or may not be started; the text says what to do."""


def missing() -> str | None:
    """Why the peers cannot run here, or None when they can."""
    if not sys.platform.startswith("linux"):
        return "the peers are Debian packages: Linux only"
    lacking = [name for name in ("postfix", "dovecot") if shutil.which(name, path="/usr/sbin:/usr/bin") is None]
    if lacking or not _MASTER.exists():
        return f"install {_PACKAGES} (apt-get install --no-install-recommends; services need not start)"
    if os.geteuid() != 0:
        return "Postfix's master must be started by root"
    return None


@dataclass(frozen=True, slots=True)
class Peers:
    """Two running masters and how to reach them."""

    postfix: "subprocess.Popen[bytes]"
    dovecot: "subprocess.Popen[bytes]"
    ready: dict[str, object]

    def stop(self, limit_s: float = 20.0) -> None:
        """SIGTERM to both masters, which end their own children; SIGKILL to a master that does not."""
        for process in (self.postfix, self.dovecot):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in (self.postfix, self.dovecot):
            try:
                process.wait(limit_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(limit_s)


def start(directory: Path, port_base: int, accounts: int, *, maillog: bool = False) -> Peers:
    """Write the configuration, start both, wait until SMTP, LMTP and IMAP answer. Raises PeerMissing."""
    reason = missing()
    if reason is not None:
        raise PeerMissing(reason)
    _make_directories(directory)
    password = _password(directory)
    addresses = [f"user{number:03d}@example.org" for number in range(accounts)]
    ports = {
        "SMTP_PORT": port_base,
        "IMAP_PORT": port_base + 1,
        "IMAPS_PORT": port_base + 2,
        "LMTP_PORT": port_base + 3,
    }
    values = {
        "DIR": str(directory),
        "MAILLOG": str(directory / "postfix.log") if maillog else "",
        **{name: str(port) for name, port in ports.items()},
    }
    _fill("main.cf", directory / "postfix/etc/main.cf", values)
    _fill("master.cf", directory / "postfix/etc/master.cf", values)
    _fill("dovecot.conf", directory / "dovecot/dovecot.conf", values)
    _write_users(directory, addresses, password)
    config = str(directory / "postfix/etc")
    # `postfix check` makes the queue's directories with the owners Postfix wants
    subprocess.run(["/usr/sbin/postfix", "-c", config, "check"], check=True, timeout=60, stdin=subprocess.DEVNULL)
    dovecot = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", str(directory / "dovecot/dovecot.conf")])
    environment = {**os.environ, "MAIL_CONFIG": config}
    postfix = subprocess.Popen([str(_MASTER), "-s", "-c", config], env=environment, stdin=subprocess.DEVNULL)
    ready: dict[str, object] = {
        "pid": os.getpid(),
        "version": _versions(),
        "listeners": {
            "mx": f"127.0.0.1:{ports['SMTP_PORT']}",
            "imap": f"127.0.0.1:{ports['IMAP_PORT']}",
            "imaps": f"127.0.0.1:{ports['IMAPS_PORT']}",
            "lmtp": f"127.0.0.1:{ports['LMTP_PORT']}",
        },
        "accounts": [{"address": address, "password": password} for address in addresses],
    }
    peers = Peers(postfix, dovecot, ready)
    try:
        for port in ports.values():
            _wait_for(port, peers)
    except BaseException:
        peers.stop()
        raise
    return peers


def _make_directories(directory: Path) -> None:
    for part in ("postfix/etc", "postfix/spool", "postfix/data", "dovecot/run", "dovecot/state", "mail"):
        (directory / part).mkdir(parents=True, exist_ok=True)
    directory.chmod(0o711)  # Postfix's and Dovecot's own users have to pass through
    (directory / "postfix").chmod(0o755)
    (directory / "dovecot").chmod(0o755)
    shutil.chown(directory / "postfix/data", "postfix")
    (directory / "mail").chmod(0o1777)
    certificate = directory / "dovecot/cert.pem"
    if not certificate.exists():
        self_sign(certificate, directory / "dovecot/key.pem")


def _password(directory: Path) -> str:
    """One random password for all accounts, kept so that a restart on the same data keeps it."""
    path = directory / "password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(12))
    return path.read_text()


def _write_users(directory: Path, addresses: list[str], password: str) -> None:
    """Dovecot's passwd-file: user:password:uid:gid:gecos:home."""
    lines = [
        f"{address}:{{PLAIN}}{password}:{_FIRST_UID + number}:65534::{directory}/mail/{address}\n"
        for number, address in enumerate(addresses)
    ]
    path = directory / "dovecot/users"
    path.touch(mode=0o640)
    shutil.chown(path, "root", "dovecot")
    path.write_text("".join(lines))


def _fill(template: str, path: Path, values: dict[str, str]) -> None:
    text = (_TEMPLATES / template).read_text()
    # safe: Postfix's own $parameters stay as they are
    path.write_text(Template(text).safe_substitute(values))
    path.chmod(0o644)


def self_sign(certificate: Path, key_path: Path) -> None:
    """A certificate for thirty days, its key readable by its owner only."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "peer.example.org")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    key_path.touch(mode=0o600)
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))


def _versions() -> str:
    def said(*command: str) -> str:
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout.split()[0]

    postfix = said("/usr/sbin/postconf", "-h", "-d", "mail_version")
    return f"Postfix {postfix} + Dovecot {said('/usr/sbin/dovecot', '--version')}"


def _wait_for(port: int, peers: Peers, limit_s: float = 20.0) -> None:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        for process in (peers.postfix, peers.dovecot):
            if process.poll() is not None:
                raise PeerMissing(f"{process.args!r} ended with {process.returncode}; see the logs in its directory")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise PeerMissing(f"nothing answers on port {port} after {limit_s:.0f} s")


def write_ready(path: Path, ready: dict[str, object]) -> None:
    """Whole or not at all: readers wait for the name to appear."""
    partial = path.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(ready))
    partial.rename(path)


def main() -> int:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    up = made.add_subparsers(required=True, dest="verb").add_parser("up", help="run both until told to stop")
    up.add_argument("--data", required=True, type=Path)
    up.add_argument("--port-base", type=int, default=24100, help="four ports from here (default 24100)")
    up.add_argument("--ready-file", required=True, type=Path)
    up.add_argument("--accounts", type=int, default=100)
    up.add_argument("--maillog", action="store_true", help="let Postfix log (costs CPU; off by default)")
    up.add_argument("--max-seconds", type=float, default=3600.0)
    args = made.parse_args()
    stopped = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        peers = start(args.data.resolve(), args.port_base, args.accounts, maillog=args.maillog)
    except PeerMissing as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    try:
        write_ready(args.ready_file, peers.ready)
        deadline = time.monotonic() + args.max_seconds
        while not stopped and time.monotonic() < deadline:
            if peers.postfix.poll() is not None or peers.dovecot.poll() is not None:
                print("error: a master ended by itself", file=sys.stderr)
                return 1
            time.sleep(0.25)
    finally:
        peers.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
