"""Debian's Postfix with a milter in front: private directories, loopback, one port, no system service.

Delivers into a Maildir of its own. Clients may say by XCLIENT which address they come from. Needs root, since Postfix
gives its parts users of their own.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.debian_programs import program
from harness.ports import free_port
from harness.process import Server
from harness.toolchain import MissingTool

MASTER = Path("/usr/lib/postfix/sbin/master")
UID = 20_000

MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/spool
data_directory = {home}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
meta_directory = /etc/postfix
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.example.org
mydomain = example.org
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_peername_lookup = no
smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtp_dns_support_level = disabled
alias_maps =
alias_database =
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
virtual_mailbox_domains = example.org
virtual_mailbox_maps = static:box/
virtual_mailbox_base = {home}/mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:65534
virtual_transport = virtual
maillog_file = {home}/postfix.log
maillog_file_prefixes = {home}
smtpd_milters = {milter}
milter_connect_timeout = 10s
"""
PARTS = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
proxymap  unix  -       -       n       -       -       proxymap
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
virtual   unix  -       n       n       -       -       virtual
anvil     unix  -       -       n       -       1       anvil
postlog   unix-dgram n  -       n       -       1       postlogd
"""


class Postfix(Server):
    """`milter` as smtpd_milters has it."""

    def __init__(self, milter: str) -> None:
        _install()
        # Not below pytest's folders: Postfix's own users have to pass through.
        self.root = Path(tempfile.mkdtemp(prefix="posthouse-postfix-"))
        self.root.chmod(0o711)
        super().__init__("postfix", self.root)
        self.home.chmod(0o755)
        self.port = free_port()
        for part in ("etc", "spool", "data", "mail"):
            (self.home / part).mkdir()
        shutil.chown(self.home / "data", "postfix")
        (self.home / "mail").chmod(0o1777)
        config = self.home / "etc"
        (config / "main.cf").write_text(MAIN.format(home=self.home, uid=UID, milter=milter))
        (config / "master.cf").write_text(PARTS.format(port=self.port))
        subprocess.run(["/usr/sbin/postfix", "-c", config, "check"], check=True, timeout=120, stdin=subprocess.DEVNULL)

    def argv(self) -> Sequence[str]:
        return [str(MASTER), "-s", "-c", str(self.home / "etc")]

    def environment(self) -> Mapping[str, str]:
        return {"MAIL_CONFIG": str(self.home / "etc")}

    def not_ready(self) -> str | None:
        try:
            socket.create_connection(("127.0.0.1", self.port), 5).close()
        except OSError as error:
            return repr(error)
        return None

    def delivered(self) -> list[bytes]:
        """The messages in the Maildir, each as Postfix wrote it."""
        return [path.read_bytes() for path in sorted((self.home / "mail/box/new").glob("*"), key=os.path.getmtime)]

    def on_hold(self) -> int:
        """Messages in the hold queue."""
        return sum(path.is_file() for path in (self.home / "spool/hold").rglob("*"))

    def remove(self) -> None:
        """Ends it, and takes its folders away."""
        if self.running:
            self.stop()
        shutil.rmtree(self.root)


def _install() -> None:
    """Without a configuration of its own, so that no system service of it starts."""
    if os.geteuid() != 0:
        raise MissingTool("Postfix gives its parts users of their own: its tests run as root")
    if not MASTER.exists() and shutil.which("debconf-set-selections"):
        chosen = "postfix postfix/main_mailer_type select No configuration\n"
        subprocess.run(["debconf-set-selections"], input=chosen, text=True, check=True, timeout=60)
    program("postfix", "postfix")
