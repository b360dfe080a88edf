"""Messages with attachments, and files of every kind that attachments are looked through for."""

from __future__ import annotations

import base64
import gzip
import io
import struct
import tarfile
import zipfile
from collections.abc import Mapping

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def message(*files: tuple[str, bytes], subject: str = "files", content_type: str = "application/octet-stream") -> bytes:
    """A text, and files as usual clients attach them."""
    parts = [b"--b\r\nContent-Type: text/plain\r\n\r\nSee what is attached.\r\n"]
    for name, octets in files:
        head = f'--b\r\nContent-Type: {content_type}\r\nContent-Disposition: attachment; filename="{name}"\r\n'
        parts.append(head.encode() + b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(octets))
    top = f"From: a@b.example\r\nTo: c@d.example\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n".encode()
    lines = top + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"\r\n".join(parts) + b"\r\n--b--\r\n"
    return lines.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def windows_program() -> bytes:
    head = b"MZ" + b"\0" * 58 + struct.pack("<I", 128) + b"\0" * 64
    return head + b"PE\0\0" + b"\x4c\x01" + b"\0" * 400


def zipped(files: Mapping[str, bytes], *, stored: bool = False) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for name, octets in files.items():
            archive.writestr(name, octets)
    return out.getvalue()


def locked_zip(files: Mapping[str, bytes]) -> bytes:
    """As if a password were needed: only the flags say so."""
    octets = bytearray(zipped(files))
    for magic, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = octets.find(magic)
        while at >= 0:
            octets[at + place] |= 1
            at = octets.find(magic, at + 4)
    return bytes(octets)


def tarred(files: Mapping[str, bytes], *, form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, octets in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(octets)
            archive.addfile(info, io.BytesIO(octets))
    return out.getvalue()


def nested_zip(depth: int, inside: bytes) -> bytes:
    octets = inside
    for level in range(depth):
        octets = zipped({f"{level}.zip" if level else "inside.bin": octets})
    return octets


def gzip_of_zeros(octets: int) -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9) as packed:
        for _ in range(octets >> 20):
            packed.write(b"\0" * (1 << 20))
    return out.getvalue()


def zip_that_declares(size: int) -> bytes:
    """One small entry that says it unpacks to `size` octets."""
    octets = bytearray(zipped({"data.bin": b"x" * 1000}))
    struct.pack_into("<I", octets, octets.find(b"PK\x01\x02") + 24, size)
    return bytes(octets)


def overlapping_zip(entries: int) -> bytes:
    """Every entry of the directory is the same octets: a quine's cousin (D. Fifield, A better zip bomb)."""
    octets = zipped({"kernel": b"\0" * 1_000_000})
    at = octets.find(b"PK\x01\x02")
    end = octets.rfind(b"PK\x05\x06")
    entry = octets[at:end]
    closing = bytearray(octets[end:])
    struct.pack_into("<HHII", closing, 8, entries, entries, len(entry) * entries, at)
    return octets[:at] + entry * entries + bytes(closing)


def ole(*names: str, installer: bool = False) -> bytes:
    """A compound file's header, and a directory with entries of these names; enough of one to be known."""
    entries = b""
    for name in ("Root Entry", *names):
        text = name.encode("utf-16-le")
        entry = bytearray(128)
        entry[: len(text)] = text
        struct.pack_into("<H", entry, 64, len(text) + 2)
        if installer and name == "Root Entry":
            entry[80:96] = bytes.fromhex("84100c0000000000c000000000000046")
        entries += bytes(entry)
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504
    return header + entries + b"\0" * (-len(entries) % 512)


def word(*, macros: bool) -> bytes:
    files = {
        "[Content_Types].xml": b"<?xml version='1.0'?><Types/>",
        "word/document.xml": b"<?xml version='1.0'?><w:document><w:t>script</w:t></w:document>" * 50,
        "word/embeddings/printer.bin": b"\x01\x02\x00",
    }
    if macros:
        files["word/vbaProject.bin"] = ole("VBA", "_VBA_PROJECT")
    return zipped(files)


def cd_image() -> bytes:
    return b"\0" * 0x8000 + b"\x01CD001\x01" + b"\0" * 4096
