"""Programs of Debian that tests talk to: found on the machine, or had from apt; never skipped.

program() installs, which takes root; unpacked() only unpacks into the cache, which anybody may, and starts no service.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from harness.install import cache_dir
from harness.locking import locked
from harness.toolchain import MissingTool


def program(name: str, package: str) -> str:
    """Path of a program. MissingTool, with what to install, when it cannot be had. `package`: one, or several with
    spaces between."""
    found = shutil.which(name)
    if found:
        return found
    command = f"apt-get install {package}"
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise MissingTool(f"A test needs `{name}`. As root: {command}")
    with locked(cache_dir() / "apt.lock"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        said = ""
        for step in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", *package.split()]):
            if shutil.which(name):
                break
            done = subprocess.run(
                ["apt-get", *step], check=False, env=environment, capture_output=True, text=True, timeout=900
            )
            said += done.stdout + done.stderr
    found = shutil.which(name)
    if not found:
        raise MissingTool(f"A test needs `{name}`; `{command}` failed. Install it by hand.\n{said[-2000:]}")
    return found


def unpacked(program: str, package: str) -> tuple[Path, list[str]]:
    """(path of the program, folders of libraries it needs in LD_LIBRARY_PATH). `program`: its path in the package.
    MissingTool, with what to install, when it cannot be had."""
    found = shutil.which(Path(program).name)
    if found:
        return Path(found), []
    root = cache_dir() / f"debian-{package}"
    with locked(cache_dir() / "apt.lock"):
        if not (root / program).exists():
            _unpack(root, program, package)
    return root / program, [str(path) for path in sorted(root.glob("usr/lib/*-linux-gnu*"))]


def _unpack(root: Path, program: str, package: str) -> None:
    said = ""

    def apt(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        nonlocal said
        done = subprocess.run(
            ["apt-get", *arguments], check=False, cwd=cwd, capture_output=True, text=True, timeout=600
        )
        said += done.stdout + done.stderr
        return done

    if shutil.which("apt-get") and shutil.which("dpkg-deb"):
        # What is not installed here: the package, and libraries of its that are not either.
        wanted = ("install", "-s", "-q", "--no-install-recommends", package)
        if apt(*wanted).returncode != 0 and os.geteuid() == 0:
            apt("update", "-qq")
        missing = re.findall(r"^Inst (\S+)", apt(*wanted).stdout, re.MULTILINE)
        part = root.with_name(f"{root.name}.part-{os.getpid()}")
        shutil.rmtree(root, ignore_errors=True)
        part.mkdir(parents=True)
        apt("download", "-q", *missing, cwd=part)
        for archive in part.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", archive, part], check=True, timeout=60)
            archive.unlink()
        if (part / program).exists():
            part.rename(root)
            return
        shutil.rmtree(part)
    raise MissingTool(f"A test needs `{program}`. As root: apt-get install {package}\n{said[-2000:]}")
