"""The control socket: who may use it, what it answers, what it refuses. With its client."""

import asyncio
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from harness.admin import PASSWORD, embedded_admin
from posthouse.admin import http
from posthouse.admin.wire import Refused
from posthouse.cli.control_client import NobodyThere, ask
from posthouse.cli.control_path import NAME, socket_address
from posthouse.cli.control_server import ControlServer


@pytest.fixture
async def data(tmp_path: Path) -> AsyncIterator[Path]:
    async with embedded_admin(tmp_path) as context:
        # What a crash leaves behind: a socket that nobody listens at.
        dead = socket.socket(socket.AF_UNIX)
        with socket_address(tmp_path / NAME) as address:
            dead.bind(address)
        dead.close()
        server = ControlServer(tmp_path / NAME, context)
        await server.start()
        yield tmp_path
        await server.stop()


async def post(data: Path, body: bytes, path: str = "/control") -> tuple[int, bytes]:
    with socket_address(data / NAME) as address:
        reader, writer = await asyncio.open_unix_connection(address)
    return await http.exchange(reader, writer, "POST", path, body)


async def test_operations_are_done_and_refused(data: Path) -> None:
    added = await ask(data, "domain.add", {"name": "example.org", "password": PASSWORD})
    assert added["postmaster"] == "postmaster@example.org"
    with pytest.raises(Refused) as caught:
        await ask(data, "domain.add", {"name": "example.org"})
    assert caught.value.kind == "AlreadyExists"
    assert not caught.value.temporary
    with pytest.raises(Refused, match="does not know"):
        await ask(data, "shell.run", {})


async def test_only_its_owner_may_open_it(data: Path) -> None:
    assert stat.S_IMODE((data / NAME).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'{"args": {}}', b'{"command": 1}', b'{"command": "who", "args": []}', b"\xff{"]
)
async def test_what_is_no_request_is_refused(data: Path, body: bytes) -> None:
    status, answer = await post(data, body)
    assert status == 400
    assert "error" in orjson.loads(answer)


async def test_arguments_may_be_left_out(data: Path) -> None:
    status, answer = await post(data, b'{"command": "domain.list"}')
    assert (status, orjson.loads(answer)) == (200, {"ok": []})


async def test_large_bodies_and_other_paths(data: Path) -> None:
    assert (await post(data, b"{}", "/other"))[0] == 404
    with socket_address(data / NAME) as address:
        reader, writer = await asyncio.open_unix_connection(address)
    writer.write(b"POST /control HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()


async def test_many_at_once(data: Path) -> None:
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(ask(data, "domain.list", {})) for _ in range(8)]
    assert [task.result() for task in asked] == [[]] * 8


async def test_the_socket_goes_with_the_process(tmp_path: Path) -> None:
    async with embedded_admin(tmp_path) as context:
        server = ControlServer(tmp_path / NAME, context)
        await server.start()
        assert server.address == str(tmp_path / NAME)
        await server.stop()
    assert not (tmp_path / NAME).exists()
    with pytest.raises(NobodyThere):
        await ask(tmp_path, "domain.list", {})
