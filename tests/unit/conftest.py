"""Unit tests do without the network, loopback included: a socket of an internet family cannot even be made.

Unix sockets stay allowed: asyncio wakes its event loop through a pair of them.
"""

import socket
from typing import Any

import pytest


class NetworkUsed(AssertionError):
    """A unit test tried to open an internet socket or to resolve a name."""


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    create = socket.socket.__init__

    def refuse_internet(self: socket.socket, family: int = -1, *args: Any, **kwargs: Any) -> None:
        if family != socket.AF_UNIX and kwargs.get("fileno") is None and len(args) < 3:
            raise NetworkUsed("a unit test opens no internet socket; put it into tests/integration")
        create(self, family, *args, **kwargs)

    def refuse_name(*args: Any, **kwargs: Any) -> None:
        raise NetworkUsed("a unit test resolves no name; put it into tests/integration")

    monkeypatch.setattr(socket.socket, "__init__", refuse_internet)
    monkeypatch.setattr(socket, "getaddrinfo", refuse_name)
