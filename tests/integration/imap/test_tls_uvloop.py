"""TLS as the processes run it, on uvloop, with a client that blocks."""

from __future__ import annotations

import datetime
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from imapclient import IMAPClient  # type: ignore[import-untyped]

from harness.imap_server import ThreadedImap, threaded_imap_server
from harness.imap_transcript import MESSAGES
from harness.waiting import until_blocking
from posthouse.runtime.tls import ServerTls, self_signed


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[ThreadedImap, ssl.SSLContext]]:
    cert, key = self_signed(tmp_path / "tls", now=datetime.datetime.now(datetime.UTC))
    with threaded_imap_server(tmp_path / "server", tls=ServerTls(cert, key).context, insecure=False) as running:
        account = running.call(running.live.account("ann@example.org"))
        running.call(running.live.deliver(account, MESSAGES["plain"]))
        running.call(running.live.deliver(account, b"Subject: big\r\n\r\n" + b"x" * 2_000_000))
        yield running, ssl.create_default_context(cafile=str(cert))


def connections(running: ThreadedImap) -> int:
    async def count() -> int:
        return len(running.live.server)

    return running.call(count())


def emptied(running: ThreadedImap) -> bool:
    until_blocking(lambda: not connections(running))
    return True


def work(client: IMAPClient) -> None:
    client.login("ann@example.org", "secret")
    client.select_folder("INBOX")
    assert client.fetch([1], ["BODY[]"])[1][b"BODY[]"] == MESSAGES["plain"]
    assert len(client.fetch([2], ["BODY[]"])[2][b"BODY[]"]) == 2_000_016
    client.idle()
    client.idle_done()


def test_implicit(server: tuple[ThreadedImap, ssl.SSLContext]) -> None:
    with IMAPClient("localhost", server[0].tls_port, ssl_context=server[1], timeout=60) as client:
        work(client)


def test_starttls(server: tuple[ThreadedImap, ssl.SSLContext]) -> None:
    with IMAPClient("localhost", server[0].port, ssl=False, timeout=60) as client:
        client.starttls(server[1])
        work(client)
    assert emptied(server[0])


@pytest.mark.parametrize("octets", [b"a NOOP\r\n", b"", b"\x16\x03\x01\x00\x05hello"])
def test_a_handshake_that_fails_leaves_nothing(server: tuple[ThreadedImap, ssl.SSLContext], octets: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server[0].port), timeout=60) as sock:
        sock.sendall(b"a STARTTLS\r\n")
        said = b""
        while b"a OK" not in said:
            said += sock.recv(65536)
        sock.sendall(octets)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            continue
    assert emptied(server[0])


def test_an_idling_client_that_vanishes(server: tuple[ThreadedImap, ssl.SSLContext]) -> None:
    raw = socket.create_connection(("127.0.0.1", server[0].tls_port), timeout=60)
    encrypted = server[1].wrap_socket(raw, server_hostname="localhost")
    encrypted.sendall(b"a LOGIN ann@example.org secret\r\nb SELECT INBOX\r\nc IDLE\r\n")
    said = b""
    while b"+ idling" not in said:
        said += encrypted.recv(65536)
    encrypted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    encrypted.close()
    assert emptied(server[0])
