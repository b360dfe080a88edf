"""The control endpoint of an embedded process: operations of admin/ for whoever may open the socket.

`control.sock` in the data directory, mode 0600: the owner of the data and root. POST /control
`{"command": "account.add", "args": {…}}` → `{"ok": …}` or `{"error": {…}}`; bounds are those of runtime/http.py.
It stays up through the drain, so that `posthouse status` can say what is still under way.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from posthouse.admin import wire
from posthouse.admin.context import AdminContext
from posthouse.admin.dispatch import dispatch
from posthouse.cli.control_path import socket_address
from posthouse.model.errors import MailError
from posthouse.runtime.http import MAX_HEAD, HttpError, HttpServer, Request, Response
from posthouse.telemetry.logging import EventLogger

PATH = "/control"
CONNECTIONS = 16

log = EventLogger("posthouse.cli.control_server")


class ControlServer(HttpServer):
    """A component: list it behind the stores. The data directory must be ours (its lock held), so that a socket found
    there is a dead one."""

    name = "control"

    def __init__(self, path: Path, context: AdminContext) -> None:
        """`path`: `control.sock` in the data directory."""
        super().__init__("", 0, connections=CONNECTIONS)
        self._path = path
        self._context = context
        self.route("POST", PATH, self._control)

    @property
    def address(self) -> str:
        return str(self._path)

    async def _listen(self) -> asyncio.Server:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with socket_address(self._path) as address:
            self._path.unlink(missing_ok=True)
            # Before it can be connected to, not after.
            before = os.umask(0o177)
            try:
                listener.bind(address)
            finally:
                os.umask(before)
        listener.setblocking(False)
        return await asyncio.start_unix_server(self._serve, sock=listener, limit=MAX_HEAD)

    async def stop(self) -> None:
        await super().stop()
        self._path.unlink(missing_ok=True)

    async def _control(self, request: Request) -> Response:
        asked = request.json()
        command, arguments = _parts(asked)
        try:
            result = await dispatch(self._context, command, arguments)
        except MailError as error:
            log.info("control refused", command=command, kind=wire.kind(error))
            return Response(200, "application/json", wire.encode_error(error))
        log.info("control", command=command)
        return Response(200, "application/json", wire.encode(result))


def _parts(asked: object) -> tuple[str, Mapping[str, Any]]:
    match asked:
        case {"command": str() as command, "args": dict() as arguments}:
            return command, arguments
        case {"command": str() as command, **others} if "args" not in others:
            return command, {}
    raise HttpError(400, 'expected {"command": "…", "args": {…}}')
