"""Mail for the commands of `posthouse filter`: files, directories and mbox files, always in the same order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from posthouse.cli.exits import CommandError

MAX_FILE: Final = 64 * 1024 * 1024
"""Octets of a file that are read; more only of an mbox, message by message."""
MAX_MBOX: Final = 4 << 30
"""Octets of an mbox; a larger one is refused, not cut."""
_NAMES: Final = (".mbox", ".mbx")
# A year at its end and a header field behind it: people begin sentences with From.
_FROM = re.compile(
    rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From [^\n]*\b[12]\d{3}[^\n]{0,10}\n(?=(?:>From [^\n]*\n)?[!-9;-~]+[ \t]*:)"
)


def messages(places: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """(name, octets) of every message: directories in depth and sorted by name, an mbox message by message.

    Names of messages of an mbox are the file's with `#` and their number from 1. A file that was found in a directory
    is one message, whatever it holds, unless its name ends in .mbox or .mbx.
    """
    for place in places:
        for path in _files(place):
            try:
                octets = _octets(path)
            except OSError as error:
                raise CommandError(f"{path} cannot be read: {error.strerror}") from error
            parts = None if place.is_dir() and not path.name.endswith(_NAMES) else _mbox(octets)
            if parts is None:
                yield str(path), octets[:MAX_FILE]
            else:
                for number, part in enumerate(parts, 1):
                    yield f"{path}#{number}", part


def octets_of(name: str) -> bytes:
    """One message by the name `messages` gives it."""
    path, hash_, number = name.rpartition("#")
    if hash_ and number.isdigit() and not Path(name).exists():
        parts = _parts_of(path)
        if not 1 <= int(number) <= len(parts):
            raise CommandError(f"{path} has no message {number}")
        return parts[int(number) - 1]
    try:
        return _octets(Path(name))[:MAX_FILE]
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}") from error


@lru_cache(maxsize=1)
def _parts_of(path: str) -> list[bytes]:
    """An index names the messages of one mbox one after the other."""
    return _mbox(_octets(Path(path))) or []


def _files(place: Path) -> Iterator[Path]:
    if not place.is_dir():
        yield place
        return
    # By their octets: the order of names must not hang on a locale, nor reading on the file system.
    for path in sorted(place.rglob("*"), key=lambda p: str(p).encode("utf-8", "surrogateescape")):
        if path.is_file():
            yield path


def _octets(path: Path) -> bytes:
    with path.open("rb") as file:
        octets = file.read(MAX_MBOX + 1)
    if len(octets) > MAX_MBOX:
        raise CommandError(f"{path} is larger than {MAX_MBOX >> 30} GiB: cut the mbox into several")
    return octets


def _mbox(octets: bytes) -> list[bytes] | None:
    """The messages of an mbox of several; None for a single message, with a From line or without."""
    if not octets.startswith(b"From "):
        return None
    starts = [match.start() for match in _FROM.finditer(octets)]
    if len(starts) < 2:
        return None
    return [octets[a:b] for a, b in zip(starts, [*starts[1:], len(octets)], strict=True)]
