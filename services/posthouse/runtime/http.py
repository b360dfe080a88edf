"""A small HTTP/1.1 server for probes, metrics and control: exact paths, bounded input, one request per connection.

It serves machines of the operator, not the internet: no keep-alive, no chunked bodies, no TLS. A handler gets a
`Request` and returns a `Response`; checking a bearer token is the handler's business (`Request.bearer`).
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl, unquote

import orjson

from posthouse.runtime.component import Component
from posthouse.telemetry.logging import EventLogger

MAX_HEAD: Final = 8192
MAX_BODY: Final = 1 << 20
_TIMEOUT: Final = 10.0
"""Seconds for the whole request to arrive, and for the answer to leave."""

log = EventLogger("posthouse.runtime.http")


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are in lower case; `query` has the last value of each name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def bearer(self) -> str:
        """The token of `Authorization: Bearer`, or nothing. Compare it with `hmac.compare_digest`."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    def json(self) -> object:
        """The body as JSON. `HttpError` 400 where it is none."""
        try:
            value: object = orjson.loads(self.body)
        except json.JSONDecodeError as error:
            raise HttpError(HTTPStatus.BAD_REQUEST, "the body is not JSON") from error
        return value


@dataclass(frozen=True, slots=True)
class Response:
    """One answer."""

    status: int
    content_type: str
    body: bytes

    @classmethod
    def of_json(cls, value: object, status: int = 200) -> "Response":
        """An answer in JSON."""
        return cls(status, "application/json", orjson.dumps(value) + b"\n")


class HttpError(Exception):
    """Answered with that status and `{"error": text}`. A handler may raise it; the text is public."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


Handler = Callable[[Request], Awaitable[Response]]


class HttpServer(Component):
    """Serves the routes that were added. Stays up through the drain, so that probes see it."""

    name = "http"

    def __init__(self, host: str, port: int, *, connections: int = 64) -> None:
        """`port` 0 takes a free one. `connections` at once at most; more are closed unanswered."""
        self._host = host
        self._port = port
        self._connections = connections
        self._routes: dict[str, dict[str, Handler]] = {}
        self._most: dict[tuple[str, str], int] = {}
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    def route(self, method: str, path: str, handler: Handler, *, max_body: int = MAX_BODY) -> None:
        """Answer `method` (GET also answers HEAD) at exactly `path` with `handler`. ValueError when taken."""
        self._most[method, path] = max_body
        handlers = self._routes.setdefault(path, {})
        if method in handlers:
            raise ValueError(f"{method} {path} has a handler")
        handlers[method] = handler

    @property
    def address(self) -> str:
        """`host:port` it is bound to. RuntimeError before `start`."""
        if self._server is None:
            raise RuntimeError("the HTTP server is not started")
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def start(self) -> None:
        """Bind and listen."""
        self._server = await self._listen()

    async def _listen(self) -> asyncio.Server:
        """To be overridden for another kind of socket; connections go to `_serve`, with MAX_HEAD as their limit."""
        return await asyncio.start_server(self._serve, self._host, self._port, limit=MAX_HEAD)

    async def stop(self) -> None:
        """Close the listener and what is open."""
        if self._server is None:
            return
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # asyncio made this task and holds it only weakly; `stop` has to find it.
        task = asyncio.current_task()
        assert task is not None
        if len(self._open) >= self._connections:
            writer.transport.abort()
            return
        self._open.add(task)
        try:
            await self._exchange(reader, writer)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            # The peer is slow or gone; probes and scrapers come again by themselves.
            writer.transport.abort()
        finally:
            self._open.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = False
        try:
            async with asyncio.timeout(_TIMEOUT):
                request = await _read(reader, self._most, writer.write)
            head = request.method == "HEAD"
            response = await self._answer(request)
        except HttpError as error:
            response = _error(error)
        async with asyncio.timeout(_TIMEOUT):
            await _write(writer, response, head=head)

    async def _answer(self, request: Request) -> Response:
        handlers = self._routes.get(request.path)
        if handlers is None:
            return _error(HttpError(HTTPStatus.NOT_FOUND, "no such path"))
        handler = handlers.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            return _error(HttpError(HTTPStatus.METHOD_NOT_ALLOWED, "not with this method"))
        try:
            return await handler(request)
        except HttpError as error:
            return _error(error)
        except Exception as error:
            log.error("request failed", path=request.path, exc_info=error)
            return _error(HttpError(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error"))


def _error(error: HttpError) -> Response:
    return Response.of_json({"error": error.text}, error.status)


async def _read(
    reader: asyncio.StreamReader,
    most: Mapping[tuple[str, str], int] = MappingProxyType({}),
    write: Callable[[bytes], object] = lambda octets: None,
) -> Request:
    """`most`: octets of a body by method and path, where not MAX_BODY. `write` is called for who asks to go on."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as error:
        raise HttpError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the header is too large") from error
    lines = head.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1.") or not parts[1].startswith("/"):
        raise HttpError(HTTPStatus.BAD_REQUEST, "not an HTTP/1.1 request")
    headers: dict[str, str] = {}
    for line in lines[1:-2]:
        name, colon, value = line.partition(":")
        # RFC 9112 §5.1: no white space before the colon; §5.2: no folding. Both have been used for smuggling.
        if not colon or not name or name != name.strip():
            raise HttpError(HTTPStatus.BAD_REQUEST, "malformed header")
        if name.lower() == "content-length" and name.lower() in headers:
            raise HttpError(HTTPStatus.BAD_REQUEST, "two lengths")
        headers[name.lower()] = value.strip()
    if "transfer-encoding" in headers:
        raise HttpError(HTTPStatus.LENGTH_REQUIRED, "send a Content-Length")
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()) or len(length) > 9:
        raise HttpError(HTTPStatus.BAD_REQUEST, "malformed Content-Length")
    path, _, query = parts[1].partition("?")
    if int(length) > most.get((parts[0], unquote(path)), MAX_BODY):
        raise HttpError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too large")
    if headers.get("expect", "").lower() == "100-continue":
        # RFC 9110 §10.1.1; curl asks before it sends a megabyte, and waits a second for this.
        write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await reader.readexactly(int(length))
    try:
        pairs = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=100))
    except ValueError as error:
        raise HttpError(HTTPStatus.BAD_REQUEST, "malformed query") from error
    return Request(parts[0], unquote(path), pairs, headers, body)


async def _write(writer: asyncio.StreamWriter, response: Response, *, head: bool) -> None:
    try:
        phrase = HTTPStatus(response.status).phrase
    except ValueError:
        phrase = "Status"
    writer.write(
        f"HTTP/1.1 {response.status} {phrase}\r\n"
        f"Content-Type: {response.content_type}\r\n"
        f"Content-Length: {len(response.body)}\r\n"
        "Cache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "Connection: close\r\n\r\n".encode("latin-1")
        + (b"" if head else response.body)
    )
    await writer.drain()
