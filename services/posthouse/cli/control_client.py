"""Asks the embedded process that has a data directory open."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from posthouse.admin import http, wire
from posthouse.cli.control_path import NAME, socket_address
from posthouse.model.errors import Unavailable

TIMEOUT = 3600.0
"""Seconds. Recounting all accounts, or auditing a month, takes its time; a process that is gone is noticed at once."""


class NobodyThere(Exception):
    """No process listens at that data directory."""


async def ask(data: Path, command: str, arguments: Mapping[str, object], timeout: float = TIMEOUT) -> Any:
    """The result in JSON's types. NobodyThere; wire.Refused; Unavailable."""
    try:
        with socket_address(data / NAME) as address:
            reader, writer = await asyncio.open_unix_connection(address)
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError) as error:
        raise NobodyThere(str(data)) from error
    except PermissionError as error:
        raise Unavailable(
            str(error), public=f"{data / NAME} belongs to another user: run this as the user that runs Posthouse"
        ) from error
    body = orjson.dumps({"command": command, "args": dict(arguments)})
    async with http.errors(f"the process at {data / NAME}", timeout):
        status, answer = await http.exchange(reader, writer, "POST", "/control", body)
    if status != 200:
        raise Unavailable(f"the process at {data / NAME} answered {status}; its log says why")
    return wire.decode(answer)
