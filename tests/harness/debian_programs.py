"""Programs of Debian that tests talk to: found on the machine, or installed by apt when we are root; never skipped."""

from __future__ import annotations

import os
import shutil
import subprocess

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
