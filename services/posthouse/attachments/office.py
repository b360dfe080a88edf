"""Office documents: whether they carry macros, and whether a password closes them.

Macros are told by where they must lie, without parsing them: OLE files have directory entries of known names on
128-octet places ([MS-CFB] §2.6), documents in zip files a part of a known name ([MS-OFFMACRO2] §2.2.1, ODF 1.2 part 3).
"""

from __future__ import annotations

import re
from typing import Final

_ENTRY: Final = 128
MAX_MISPLACED: Final = 10_000
"""Places where a name may stand without being an entry."""
_INSTALLER: Final = bytes.fromhex("84100c0000000000c000000000000046")
"""Class of the root of a Windows Installer file."""
_VBA_PART: Final = re.compile(r"(?:^|/)(?:vbaproject|vbadata|xlmacro)[^/]*\.(?:bin|xml)$|/macrosheets/", re.I)
_ODF_BASIC: Final = re.compile(r"^(?:basic|scripts)/(?!script-lc\.xml|.*/script-lb\.xml)[^/]+/.*[^/]$", re.I)
_OOXML: Final = re.compile(r"^(?:\[content_types\]\.xml|word/|xl/|ppt/)", re.I)
_JAVA: Final = re.compile(r"\.class$|^classes\.dex$", re.I)
_STORE: Final = re.compile(r"^appx(?:bundle)?manifest\.xml$", re.I)


def ole_macros(octets: bytes) -> str:
    """Which macros an OLE file has; empty = none."""
    return "vba" if any(_has_entry(octets, name) for name in ("_VBA_PROJECT", "_VBA_PROJECT_CUR", "Macros")) else ""


def ole_encrypted(octets: bytes) -> bool:
    """[MS-OFFCRYPTO] §2.3.4: the real document lies encrypted in a stream."""
    return _has_entry(octets, "EncryptedPackage")


def ole_installer(octets: bytes) -> bool:
    at = octets.find(_INSTALLER)
    for _ in range(MAX_MISPLACED):
        # A CLSID stands at 80 of its entry.
        if at < 0 or (at - 80) % _ENTRY == 0:
            return at >= 0
        at = octets.find(_INSTALLER, at + 1)
    return True


def zip_macros(names: list[str]) -> str:
    if any(_VBA_PART.search(name) for name in names):
        return "vba"
    return "basic" if "mimetype" in names and any(_ODF_BASIC.search(name) for name in names) else ""


def zip_program(names: list[str]) -> str:
    """Which program a zip file is as a whole; empty = none."""
    for name in names:
        if _JAVA.search(name):
            return "java"
        if _STORE.search(name):
            return "appx"
    return ""


def document(names: list[str]) -> bool:
    return any(_OOXML.search(name) for name in names[:20])


def _has_entry(octets: bytes, name: str) -> bool:
    wanted = name.encode("utf-16-le") + b"\0\0"
    at = octets.find(wanted)
    for _ in range(MAX_MISPLACED):
        if at < 0:
            return False
        if at % _ENTRY == 0:
            return True
        at = octets.find(wanted, at + 1)
    return True  # nobody writes a name so often who has nothing to hide


_ONENOTE_FILE: Final = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")
MAX_EMBEDDED: Final = 64


def onenote_files(octets: bytes) -> list[int]:
    """Where the files that lie in a OneNote section begin ([MS-ONESTORE] §2.6.13)."""
    found: list[int] = []
    at = octets.find(_ONENOTE_FILE)
    while at >= 0 and len(found) < MAX_EMBEDDED:
        found.append(at + 36)
        at = octets.find(_ONENOTE_FILE, at + 16)
    return found
