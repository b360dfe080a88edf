import asyncio

import pytest

from posthouse.ingress.proxied import is_proxy, networks, passed_on_from


@pytest.mark.parametrize(
    ("ip", "trusted"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("192.0.2.9", True),
        ("192.0.2.8", False),
        ("2001:db8::7", True),
        ("fe80::1%eth0", False),
        ("", False),
    ],
)
def test_who_is_a_proxy(ip: str, trusted: bool) -> None:
    assert is_proxy(ip, networks(["10.0.0.0/8", "192.0.2.9", "2001:db8::/32"])) is trusted
    assert not is_proxy(ip, ())


def test_bad_networks() -> None:
    with pytest.raises(ValueError):
        networks(["10.0.0.0/99"])


async def read(octets: bytes) -> tuple[str, bytes]:
    reader = asyncio.StreamReader()
    reader.feed_data(octets)
    reader.feed_eof()
    return await passed_on_from(reader), await reader.read()


V2 = b"\r\n\r\n\x00\r\nQUIT\n"


@pytest.mark.parametrize(
    ("header", "ip"),
    [
        (b"PROXY TCP4 198.51.100.7 192.0.2.1 4711 25\r\n", "198.51.100.7"),
        (b"PROXY TCP6 2001:db8::1 2001:db8::2 4711 25\r\n", "2001:db8::1"),
        (b"PROXY UNKNOWN\r\n", ""),
        (V2 + b"\x21\x11\x00\x0c" + bytes([198, 51, 100, 7, 192, 0, 2, 1]) + b"\x12\x67\x00\x19", "198.51.100.7"),
        (V2 + b"\x20\x00\x00\x00", ""),
    ],
)
async def test_headers(header: bytes, ip: str) -> None:
    assert await read(header + b"EHLO x\r\n") == (ip, b"EHLO x\r\n")


@pytest.mark.parametrize("octets", [b"", b"PRO", b"EHLO x\r\n", b"PROXY TCP4 x y 1 2\r\n", b"PROXY TCP4 1.2.3.4", V2])
async def test_no_header_no_connection(octets: bytes) -> None:
    with pytest.raises(ConnectionAbortedError):
        await read(octets)
