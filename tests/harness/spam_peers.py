"""rspamd and spamd with one rule of the test's own each, from Debian's packages, unpacked and not installed.

Both call a message with `posthouse-test` in its subject spam, with 7.5 points.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.debian_programs import unpacked
from harness.ports import free_port
from harness.process import Server

RSPAMD_CONFIG = """\
options {{
  pidfile = "{home}/rspamd.pid";
  tempdir = "{home}";
  history_file = "{home}/history";
  url_tld = "{home}/suffixes";
  dns {{ nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; }}
  filters = "";
}}
logging {{ type = "console"; level = "notice"; }}
actions {{ reject = 15; add_header = 6; greylist = 4; }}
lua = "{home}/rules.lua";
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; }}
"""
RSPAMD_RULE = """\
rspamd_config.POSTHOUSE_TEST = {
  callback = function(task) return string.find(task:get_subject() or "", "posthouse%-test") ~= nil end,
  score = 7.5,
}
"""
SPAMD_RULES = """\
header POSTHOUSE_TEST Subject =~ /posthouse-test/
score POSTHOUSE_TEST 7.5
use_bayes 0
skip_rbl_checks 1
report_safe 0
util_rb_tld com net org example
"""


def _listens(port: int) -> str | None:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return None if probe.connect_ex(("127.0.0.1", port)) == 0 else f"nobody listens on {port}"


class RspamdServer(Server):
    start_deadline = 120.0

    def __init__(self, run_dir: Path) -> None:
        self.port = free_port()
        super().__init__(f"rspamd-{self.port}", run_dir)
        self._program, self._libraries = unpacked("usr/bin/rspamd", "rspamd")
        self._share = self._program.parents[1] / "share" / "rspamd"
        (self.home / "suffixes").write_text("com\nnet\norg\nexample\n")
        (self.home / "rules.lua").write_text(RSPAMD_RULE)
        self._config = self.home / "rspamd.conf"
        self._config.write_text(RSPAMD_CONFIG.format(home=self.home, port=self.port))

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def argv(self) -> Sequence[str]:
        folders = {
            "DBDIR": self.home,
            "RUNDIR": self.home,
            "CONFDIR": self.home,
            "LOCAL_CONFDIR": self.home,
            "SHAREDIR": self._share,
            "LUALIBDIR": self._share / "lualib",
            "PLUGINSDIR": self._share / "plugins",
            "RULESDIR": self._share / "rules",
        }
        flags = [f"--var={name}={path}" for name, path in folders.items()]
        return [str(self._program), "-i", "-f", "-c", str(self._config), *flags]

    def environment(self) -> Mapping[str, str]:
        inherited = os.environ.get("LD_LIBRARY_PATH", "")
        folders = [*self._libraries, str(self._program.parents[1] / "lib" / "rspamd")]
        return {"LD_LIBRARY_PATH": ":".join([*folders, *([inherited] if inherited else [])])}

    def not_ready(self) -> str | None:
        return _listens(self.port)


class SpamdServer(Server):
    """Started by root it becomes nobody, who may not read the cache: so everything it needs is read before."""

    start_deadline = 120.0

    def __init__(self, run_dir: Path) -> None:
        self.port = free_port()
        super().__init__(f"spamd-{self.port}", run_dir)
        self._program, _ = unpacked("usr/sbin/spamd", "spamd")
        # Nobody reads it: not below pytest's own folder.
        self._folder = tempfile.TemporaryDirectory(prefix="posthouse-spamd-")
        rules = Path(self._folder.name)
        rules.chmod(0o755)
        (rules / "v320.pre").write_text("loadplugin Mail::SpamAssassin::Plugin::Check\n")
        (rules / "local.cf").write_text(SPAMD_RULES)
        state = rules / "state"
        state.mkdir()
        state.chmod(0o777)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def argv(self) -> Sequence[str]:
        usr = self._program.parents[1]
        folders = [usr / "share" / "perl5", *usr.glob("lib/*/perl5/*")]
        modules = ["PerlIO::scalar", "Mail::SpamAssassin", "Mail::SpamAssassin::Plugin::Check"]
        rules = self._folder.name
        return [
            "perl",
            "-T",
            *(flag for folder in folders for flag in ("-I", str(folder))),
            *(f"-M{module}" for module in modules),
            str(self._program),
            "--local",
            "--nouser-config",
            f"--listen=127.0.0.1:{self.port}",
            f"--configpath={rules}",
            f"--siteconfigpath={rules}",
            f"--helper-home-dir={rules}/state",
            "--max-children=1",
            "--syslog=stderr",
        ]

    def not_ready(self) -> str | None:
        return _listens(self.port)
