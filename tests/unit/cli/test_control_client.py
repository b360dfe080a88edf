"""The client of the control socket, where nobody or somebody else is at the other end; with the server:
test_control_server.py."""

import asyncio
import socket
from pathlib import Path

import pytest

from posthouse.cli.control_client import NobodyThere, ask
from posthouse.cli.control_path import NAME, socket_address
from posthouse.model.errors import Unavailable


async def test_a_dead_socket_is_nobody(tmp_path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX)
    with socket_address(tmp_path / NAME) as address:
        dead.bind(address)
    dead.close()
    with pytest.raises(NobodyThere):
        await ask(tmp_path, "domain.list", {})
    with pytest.raises(NobodyThere):
        await ask(tmp_path / "missing", "domain.list", {})


async def test_a_socket_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(path: str) -> None:
        raise PermissionError("not yours")

    monkeypatch.setattr(asyncio, "open_unix_connection", refused)
    with pytest.raises(Unavailable) as caught:
        await ask(tmp_path, "domain.list", {})
    assert "the user that runs Posthouse" in caught.value.public


async def test_a_process_that_answers_otherwise_is_unavailable(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    with socket_address(tmp_path / NAME) as address:
        server = await asyncio.start_unix_server(answer, address)
    with pytest.raises(Unavailable, match="its log says why"):
        await ask(tmp_path, "domain.list", {})
    server.close()
    await server.wait_closed()
