"""An MTA's side of the milter protocol, as octets: what Postfix sends for one message."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from posthouse.protocol.milter.packets import packet

ALL_ACTIONS = 0x1FF
ALL_PROTOCOL = 0x1F_FFFF


def options(version: int = 6, actions: int = ALL_ACTIONS, protocol: int = ALL_PROTOCOL) -> bytes:
    return packet(b"O", struct.pack(">III", version, actions, protocol))


def connect(ip: str = "192.0.2.7", *, family: bytes = b"4") -> bytes:
    return packet(b"C", b"client.example.net\0" + family + struct.pack(">H", 25) + ip.encode() + b"\0")


def macros(command: bytes, **values: str) -> bytes:
    words = b"".join(f"{{{name}}}\0{value}\0".encode() for name, value in values.items())
    return packet(b"D", command + words)


def transaction(
    message: bytes,
    *,
    sender: str = "ann@example.net",
    rcpts: Sequence[str] = ("you@example.org",),
    spaced: bool = True,
    chunk: int = 65_535,
) -> bytes:
    """HELO to the end of the message. `spaced`: with the blanks behind the colon, as SMFIP_HDR_LEADSPC has it."""
    sent = packet(b"H", b"mail.example.net\0") + packet(b"M", f"<{sender}>\0SIZE=1\0".encode())
    for rcpt in rcpts:
        sent += packet(b"R", f"<{rcpt}>\0".encode())
    header, _, body = message.partition(b"\r\n\r\n")
    sent += packet(b"T")
    for field in header.replace(b"\r\n\t", b"\n\t").replace(b"\r\n ", b"\n ").split(b"\r\n"):
        name, _, value = field.partition(b":")
        sent += packet(b"L", name + b"\0" + (value if spaced else value.lstrip(b" ")) + b"\0")
    sent += packet(b"N")
    for at in range(0, len(body), chunk):
        sent += packet(b"B", body[at : at + chunk])
    return sent + packet(b"E")


def packets(octets: bytes) -> list[tuple[bytes, bytes]]:
    """(command, data) of each whole packet."""
    found = []
    while octets:
        (length,) = struct.unpack_from(">I", octets)
        found.append((octets[4:5], octets[5 : 4 + length]))
        octets = octets[4 + length :]
    return found
