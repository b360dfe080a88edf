"""What octets are, by their magic. A name has no say here: names.py has what follows from those."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """The words are ours and go into findings as `detail`."""

    UNKNOWN = ""
    PE = "pe"
    DOS = "dos"
    ELF = "elf"
    MACHO = "mach-o"
    JAVA = "java"
    DEX = "dex"
    SHORTCUT = "shortcut"
    CHM = "chm"
    MSI = "msi"
    SHEBANG = "shebang"
    ISO = "iso"
    UDF = "udf"
    VHD = "vhd"
    VHDX = "vhdx"
    VMDK = "vmdk"
    QCOW = "qcow"
    DMG = "dmg"
    ZIP = "zip"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    TAR = "tar"
    SEVEN_ZIP = "7z"
    RAR = "rar"
    CAB = "cab"
    ARJ = "arj"
    ACE = "ace"
    LHA = "lha"
    WIM = "wim"
    ZSTD = "zstd"
    COMPRESS = "compress"
    TNEF = "tnef"
    OLE = "ole"
    ONENOTE = "onenote"
    MARKUP = "markup"
    MESSAGE = "message"


EXECUTABLE: Final = frozenset(
    (Kind.PE, Kind.DOS, Kind.ELF, Kind.MACHO, Kind.JAVA, Kind.DEX, Kind.SHORTCUT, Kind.CHM, Kind.MSI)
)
DISK_IMAGE: Final = frozenset((Kind.ISO, Kind.UDF, Kind.VHD, Kind.VHDX, Kind.VMDK, Kind.QCOW, Kind.DMG))
UNOPENED: Final = frozenset(
    (Kind.SEVEN_ZIP, Kind.RAR, Kind.CAB, Kind.ARJ, Kind.ACE, Kind.LHA, Kind.WIM, Kind.ZSTD, Kind.COMPRESS, Kind.TNEF)
)
PACKED: Final = frozenset((Kind.GZIP, Kind.BZIP2, Kind.XZ))

ISO_REACH: Final = 0x8806
"""Octets that must be seen to know a CD or DVD image (ECMA-119 §6.2.1: 16 empty sectors first)."""

_STARTS: Final = (
    (b"\x7fELF", Kind.ELF),
    (b"\xfe\xed\xfa\xce", Kind.MACHO),
    (b"\xfe\xed\xfa\xcf", Kind.MACHO),
    (b"\xce\xfa\xed\xfe", Kind.MACHO),
    (b"\xcf\xfa\xed\xfe", Kind.MACHO),
    (b"\xca\xfe\xba\xbe", Kind.JAVA),
    (b"dex\n", Kind.DEX),
    (b"L\x00\x00\x00\x01\x14\x02\x00", Kind.SHORTCUT),
    (b"ITSF\x03\x00\x00\x00", Kind.CHM),
    (b"vhdxfile", Kind.VHDX),
    (b"conectix", Kind.VHD),
    (b"KDMV", Kind.VMDK),
    (b"# Disk DescriptorFile", Kind.VMDK),
    (b"QFI\xfb", Kind.QCOW),
    (b"PK\x03\x04", Kind.ZIP),
    (b"PK\x05\x06", Kind.ZIP),
    (b"PK\x07\x08PK\x03\x04", Kind.ZIP),
    (b"\x1f\x8b\x08", Kind.GZIP),
    (b"BZh", Kind.BZIP2),
    (b"\xfd7zXZ\x00", Kind.XZ),
    (b"7z\xbc\xaf\x27\x1c", Kind.SEVEN_ZIP),
    (b"Rar!\x1a\x07", Kind.RAR),
    (b"MSCF\x00\x00\x00\x00", Kind.CAB),
    (b"MSWIM\x00\x00\x00", Kind.WIM),
    (b"\x28\xb5\x2f\xfd", Kind.ZSTD),
    (b"\x1f\x9d", Kind.COMPRESS),
    (b"\x60\xea", Kind.ARJ),
    (b"\x78\x9f\x3e\x22", Kind.TNEF),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind.OLE),
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", Kind.ONENOTE),
)
_BY_FIRST: Final[dict[int, list[tuple[bytes, Kind]]]] = {}
for _magic, _kind in _STARTS:
    _BY_FIRST.setdefault(_magic[0], []).append((_magic, _kind))

_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?[\s\x00]*<(?:!doctype|html|head|body|script|svg|\?xml|!--|meta|iframe)", re.I)
_MESSAGE = re.compile(
    rb"(?:Received|Return-Path|From|To|Subject|Date|Message-ID|MIME-Version|Content-Type|X-[!-9;-~]{1,60}):[ \t\r]",
    re.I,
)
_CODES: Final = frozenset((b"NE", b"LE", b"LX"))


def sniff(octets: bytes | memoryview) -> Kind:
    """`octets`: the file, or its first part; with ISO_REACH of them disk images of CDs are seen too."""
    head = bytes(octets[:PEEK])
    if not head:
        return Kind.UNKNOWN
    for magic, kind in _BY_FIRST.get(head[0], ()):
        if head.startswith(magic):
            return kind
    if head.startswith((b"MZ", b"ZM")):
        return _dos(head)
    if head.startswith(b"#!"):
        return Kind.SHEBANG
    if head[257:262] == b"ustar" or _old_tar(head):
        return Kind.TAR
    if head[7:14] == b"**ACE**":
        return Kind.ACE
    if head[2:5] == b"-lh" and head[6:7] == b"-":
        return Kind.LHA
    if len(octets) >= 0x8006:
        disk = _disk(octets)
        if disk is not Kind.UNKNOWN:
            return disk
    if _MARKUP.match(head):
        return Kind.MARKUP
    if _MESSAGE.match(head):
        return Kind.MESSAGE
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") and _MARKUP.match(wide(head)):
        return Kind.MARKUP
    return Kind.UNKNOWN


PEEK: Final = 1024


def sniff_tail(tail: bytes | memoryview) -> Kind:
    """Images that are known by their last 512 octets."""
    last = bytes(tail[-512:])
    if last.startswith(b"koly"):
        return Kind.DMG
    return Kind.VHD if last.startswith(b"conectix") else Kind.UNKNOWN


def may_be_disk(head: bytes) -> bool:
    """Whether it pays to read on to ISO_REACH: what stands before a CD's descriptors is empty, or a boot sector."""
    return head.startswith(b"\0" * 16) or head[510:512] == b"\x55\xaa" or head.startswith(b"\x45\x52\x08\x00")


def binary(head: bytes) -> bool:
    """Whether it is anything but text."""
    return b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff"))


def wide(octets: bytes) -> bytes:
    """UTF-16 with its mark, as UTF-8; everything else as it is."""
    if octets.startswith((b"\xff\xfe", b"\xfe\xff")):
        return octets[: len(octets) & ~1].decode("utf-16", "replace").encode("utf-8", "replace")
    return octets


def _dos(head: bytes) -> Kind:
    if len(head) >= 64:
        at = int.from_bytes(head[60:64], "little")
        code = head[at : at + 2]
        if code == b"PE" or (at >= PEEK and b"\0" in head):
            return Kind.PE
        if code in _CODES or b"\0" in head[:64]:
            return Kind.DOS
        return Kind.UNKNOWN
    # Cut off, or a text that begins so.
    return Kind.DOS if b"\0" in head else Kind.UNKNOWN


def _old_tar(head: bytes) -> bool:
    """Archives from before POSIX have no magic, but a checksum that fits (tar(5))."""
    if len(head) < 512 or head[0] == 0 or head[156:157] not in b"\x000123456":
        return False
    said = head[148:156].strip(b" \0")
    if not said or not said.isdigit():
        return False
    try:
        return int(said, 8) == sum(head[:148]) + 8 * 32 + sum(head[156:512])
    except ValueError:
        return False


def _disk(octets: bytes | memoryview) -> Kind:
    for at in (0x8001, 0x8801):
        mark = bytes(octets[at : at + 5])
        if mark == b"CD001":
            return Kind.ISO
        if mark in (b"BEA01", b"NSR02", b"NSR03"):
            return Kind.UDF
    return Kind.UNKNOWN
