"""How the JVM servers are run: flags that suit short lives on few cores, and class archives (AppCDS).

An archive halves the start. The first server of its kind writes it when it ends in good order, into the cache; every
later one maps it. It is valid only for the same JVM, class path and flags, so these make its name.
"""

import hashlib
import itertools
import os
from collections.abc import Sequence
from pathlib import Path

from harness import toolchain
from harness.install import cache_dir, installed
from harness.process import Server

# C1 alone: a server that lives for a minute never earns back what the second compiler costs.
FLAGS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Djava.awt.headless=true")
_serial = itertools.count()


class JavaServer(Server):
    """A server that is a main class of the installed jars of `software`."""

    def __init__(self, name: str, run_dir: Path, software: str, heap: str) -> None:
        super().__init__(name, run_dir)
        self.software = software
        self.heap = heap
        self._unfinished_archive: Path | None = None

    def java(self, flags: Sequence[str], main: Sequence[str]) -> list[str]:
        """The command line of `main` with `flags`; maps the class archive, or has it written at exit."""
        install = installed(self.software)
        java = toolchain.java(cache_dir())
        decides = "\n".join((install.name, toolchain.java_identity(java), *FLAGS, *flags))
        # Paths of one run (configuration, data) are part of `flags`, but not of what the archive depends on.
        key = hashlib.sha256(decides.replace(str(self.home), "").encode()).hexdigest()[:12]
        archive = cache_dir() / f"{self.software}-classes-{key}.jsa"
        if archive.exists():
            sharing = [f"-XX:SharedArchiveFile={archive}", "-Xshare:auto"]
        else:
            self._unfinished_archive = archive.with_name(f"{archive.name}.part-{os.getpid()}-{next(_serial)}")
            sharing = [f"-XX:ArchiveClassesAtExit={self._unfinished_archive}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
        memory = [f"-Xms{self.heap}", f"-Xmx{self.heap}"]
        return [str(java), "-cp", f"{install / 'lib'}/*", *memory, *FLAGS, *sharing, *flags, *main]

    def stop(self) -> int:
        """Ends the server in good order, which also writes the class archive if there was none yet."""
        code = super().stop()
        written, self._unfinished_archive = self._unfinished_archive, None
        # A JVM ended by SIGTERM exits with 128 + 15; anything else may have left half an archive.
        if code == 143 and written and written.exists():
            written.rename(written.with_name(written.name.partition(".part-")[0]))
        return code

    def close(self) -> None:
        """Kills the server, unless its class archive is still to be written."""
        if self.running and self._unfinished_archive:
            self.stop()
        else:
            super().close()
