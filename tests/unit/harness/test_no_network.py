"""The guard of tests/unit/conftest.py holds: a unit test that reaches for the network fails."""

import asyncio
import socket

import pytest


def test_internet_sockets_are_refused() -> None:
    for family in (socket.AF_INET, socket.AF_INET6):
        with pytest.raises(AssertionError, match="no internet socket"):
            socket.socket(family)
    with pytest.raises(AssertionError, match="resolves no name"):
        socket.create_connection(("localhost", 9), timeout=0.1)


async def test_asyncio_may_not_listen_on_loopback() -> None:
    with pytest.raises(AssertionError, match=r"resolves no name|no internet socket"):
        await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)


async def test_the_event_loop_still_wakes_up() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.send(b"x")
        assert theirs.recv(1) == b"x"
    assert await asyncio.to_thread(lambda: 1) == 1
