"""Installs the real servers the tests run against: `PYTHONPATH=tests python -m harness.install [name …]`.

An install lives in `<cache>/servers/<name>-<key>`, where the key is a hash of its recipe: a changed recipe installs
anew, an unchanged one costs a look at the disk. It is built under a temporary name and renamed when whole, so that an
interrupted download is never taken for an install, and under a lock, so that two runs do not do it twice. Everything
comes through the ordinary clients of Maven Central and the Go proxy.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from harness import toolchain
from harness.locking import locked
from harness.waiting import elapse_blocking

POMS = Path(__file__).parent / "poms"
MAVEN_GOAL = "dependency:copy-dependencies"
VERSITYGW = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
KAFKA_CLUSTER_ID = "posthousetestkafka0000"  # 16 octets in base64
KAFKA_FORMAT = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:9093
listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$DATA
"""
ATTEMPTS = 3
# How long one download or build may take, in seconds; a Go build on two busy cores takes minutes.
BUILD_DEADLINE = 1800.0


class InstallFailed(RuntimeError):
    """A recipe ran and failed; the text carries the end of its output."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one server gets onto this machine. `text` is everything that decides the result: it makes the key."""

    name: str
    text: str
    build: Callable[[Path], None]

    @property
    def key(self) -> str:
        """Names this recipe's result among those of its other versions."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]


def cache_dir() -> Path:
    """Where installs outlive the runs: `$POSTHOUSE_CACHE/servers`, or `~/.cache/posthouse/servers`."""
    root = os.environ.get("POSTHOUSE_CACHE") or Path.home() / ".cache" / "posthouse"
    return Path(root) / "servers"


def installed(name: str) -> Path:
    """The folder of the installed server `name`; installs it first if need be (seconds; minutes for a Go build)."""
    recipe = RECIPES[name]
    target = cache_dir() / f"{recipe.name}-{recipe.key}"
    if target.is_dir():
        return target
    with locked(cache_dir() / f"{recipe.name}.lock"):
        if target.is_dir():
            return target
        started = time.monotonic()
        print(f"{name}: installing into {target}", flush=True)
        temporary = target.with_name(f"{target.name}.part-{os.getpid()}")
        for abandoned in cache_dir().glob(f"{recipe.name}-*.part-*"):
            shutil.rmtree(abandoned)
        temporary.mkdir(parents=True)
        try:
            recipe.build(temporary)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        temporary.rename(target)
        print(f"{name}: installed in {time.monotonic() - started:.1f} s", flush=True)
    return target


def run(
    argv: Sequence[str | Path], *, env: dict[str, str] | None = None, attempts: int = ATTEMPTS, pause: float = 2.0
) -> None:
    """Runs one step of a recipe; a step that downloads is tried again, since networks fail for a moment."""
    for attempt in range(1, attempts + 1):
        done = subprocess.run(
            argv,
            check=False,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BUILD_DEADLINE,
        )
        if done.returncode == 0:
            return
        if attempt < attempts:
            print(f"{Path(argv[0]).name}: exit {done.returncode}, trying again", flush=True)
            elapse_blocking(pause * attempt, "networks that failed for a moment")
    command = " ".join(map(str, argv))
    raise InstallFailed(f"`{command}` failed {attempts} times; its output ends with:\n{done.stdout[-3000:]}")


def _maven(pom: str) -> Callable[[Path], None]:
    def build(target: Path) -> None:
        tool, environment = toolchain.maven(cache_dir()), toolchain.maven_environment(cache_dir())
        # The runtime scope is essential: without it test jars land on the server's class path.
        options = [f"-DoutputDirectory={target / 'lib'}", "-DincludeScope=runtime"]
        run([tool, "-B", "-q", "-ntp", "-f", POMS / pom, MAVEN_GOAL, *options], env=environment)

    return build


def _kafka(target: Path) -> None:
    _maven("kafka.xml")(target)
    # Formatting a node's storage takes a JVM start. What it writes hardly depends on the node (kafka.py says how), so
    # it is done once here instead of once per broker and run.
    properties = target / "format.properties"
    properties.write_text(KAFKA_FORMAT.replace("$DATA", str(target / "formatted")))
    java = toolchain.java(cache_dir())
    tool: list[str | Path] = [java, "-Xmx64m", "-cp", f"{target / 'lib'}/*", "kafka.tools.StorageTool", "format"]
    run([*tool, "-t", KAFKA_CLUSTER_ID, "-c", properties], attempts=1)


def _versitygw(target: Path) -> None:
    # A build cache of our own: the user's is left alone, an interrupted build goes on where it stopped, and the
    # gigabytes it takes can go once there is a binary.
    scratch = cache_dir() / "go-build"
    environment = {
        **os.environ,
        "GOBIN": str(target),
        "GOPATH": str(scratch / "path"),
        "GOCACHE": str(scratch / "cache"),
        "GOFLAGS": "-modcacherw -trimpath",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }
    tool = toolchain.go(cache_dir())
    print(f"versitygw: building with {tool}; this takes a few minutes", flush=True)
    run(["nice", "-n", "5", tool, "install", "-ldflags=-s -w", VERSITYGW], env=environment)
    shutil.rmtree(scratch, ignore_errors=True)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("kafka", (POMS / "kafka.xml").read_text() + MAVEN_GOAL + KAFKA_CLUSTER_ID + KAFKA_FORMAT, _kafka),
        Recipe("cassandra", (POMS / "cassandra.xml").read_text() + MAVEN_GOAL, _maven("cassandra.xml")),
        Recipe("versitygw", VERSITYGW, _versitygw),
    )
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; exit code 0 when every server named (default: all) is installed, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="harness.install", description="Install the servers the tests run against.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"any of: {', '.join(RECIPES)} (default: all)")
    names = parser.parse_args(arguments).names or list(RECIPES)
    unknown = sorted(set(names) - set(RECIPES))
    if unknown:
        parser.error(f"no such server: {', '.join(unknown)}")
    failed = 0
    with ThreadPoolExecutor(max_workers=len(names)) as pool:
        for name, pending in [(name, pool.submit(installed, name)) for name in names]:
            try:
                print(f"{name}: {pending.result()}", flush=True)
            except (toolchain.MissingTool, InstallFailed, subprocess.TimeoutExpired) as error:
                print(f"{name}: {error}", file=sys.stderr, flush=True)
                failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
