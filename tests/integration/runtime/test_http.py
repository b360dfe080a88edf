"""The HTTP server, spoken to over loopback."""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from harness.waiting import until
from posthouse.runtime import http
from posthouse.runtime.http import MAX_BODY, MAX_HEAD, HttpError, HttpServer, Request, Response


async def hello(request: Request) -> Response:
    return Response(200, "text/plain", f"{request.method} {sorted(request.query.items())}".encode())


async def control(request: Request) -> Response:
    if not hmac.compare_digest(request.bearer, "t0ken"):
        raise HttpError(401, "no")
    return Response.of_json({"got": request.json()}, 201)


async def size(request: Request) -> Response:
    return Response.of_json(len(request.body))


async def broken(request: Request) -> Response:
    raise OSError("secret detail")


@pytest_asyncio.fixture
async def server() -> AsyncIterator[HttpServer]:
    running = HttpServer("127.0.0.1", 0, connections=4)
    running.route("GET", "/hello", hello)
    running.route("POST", "/control", control)
    running.route("GET", "/broken", broken)
    running.route("POST", "/large", size, max_body=2 * MAX_BODY)
    await running.start()
    yield running
    await running.stop()


async def exchange(server: HttpServer, request: bytes, *, eof: bool = False) -> tuple[int, dict[str, str], bytes]:
    host, port = server.address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(request)
        if eof:
            writer.write_eof()
        async with asyncio.timeout(60):
            answer = await reader.read()
    finally:
        writer.close()
    if not answer:
        return 0, {}, b""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}, body


async def test_get_and_query(server: HttpServer) -> None:
    status, headers, body = await exchange(server, b"GET /hello?a=1&b=%20x HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (status, body) == (200, b"GET [('a', '1'), ('b', ' x')]")
    assert headers["content-type"] == "text/plain"
    assert headers["content-length"] == str(len(body))
    assert headers["connection"] == "close"


async def test_head_has_no_body(server: HttpServer) -> None:
    status, headers, body = await exchange(server, b"HEAD /hello HTTP/1.1\r\n\r\n")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 0


async def test_post_with_a_token(server: HttpServer) -> None:
    body = b'{"a": 1}'
    request = b"POST /control HTTP/1.1\r\nAuthorization: Bearer t0ken\r\nContent-Length: %d\r\n\r\n" % len(body)
    status, _, answer = await exchange(server, request + body)
    assert (status, json.loads(answer)) == (201, {"got": {"a": 1}})
    assert (await exchange(server, b"POST /control HTTP/1.1\r\nContent-Length: 0\r\n\r\n"))[0] == 401
    assert (await exchange(server, request.replace(b"t0ken", b"wrong") + body))[0] == 401
    assert (await exchange(server, request + b"{" * len(body)))[0] == 400


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /none HTTP/1.1\r\n\r\n", 404),
        (b"DELETE /hello HTTP/1.1\r\n\r\n", 405),
        (b"GET /broken HTTP/1.1\r\n\r\n", 500),
        (b"GET\r\n\r\n", 400),
        (b"GET hello HTTP/1.1\r\n\r\n", 400),
        (b"GET /hello HTTP/2\r\n\r\n", 400),
        (b"GET /hello HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET /hello HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"GET /hello HTTP/1.1\r\nA: x\r\n folded\r\n\r\n", 400),
        (b"GET /hello HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET /hello HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400),
        (b"GET /hello HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n", 400),
        (b"GET /hello?" + b"&".join(b"a%d=1" % n for n in range(200)) + b" HTTP/1.1\r\n\r\n", 400),
        (b"POST /control HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"POST /control HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1), 413),
        (b"GET /hello HTTP/1.1\r\nA: " + b"x" * MAX_HEAD + b"\r\n\r\n", 431),
    ],
)
async def test_what_is_refused(server: HttpServer, request_bytes: bytes, status: int) -> None:
    answered, _, body = await exchange(server, request_bytes)
    assert answered == status
    assert b"secret detail" not in body
    assert "error" in json.loads(body)


async def test_half_a_request_is_dropped(server: HttpServer) -> None:
    assert (await exchange(server, b"GET /hello HTTP/1.1\r\n", eof=True))[0] == 0
    assert (await exchange(server, b"GET /hello HTTP/1.1\r\n\r\n"))[0] == 200


async def test_a_slow_request_is_dropped(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_TIMEOUT", 0.01)
    try:
        status, _, _ = await exchange(server, b"GET /hello HTTP/1.1\r\n")
    except ConnectionError:
        status = 0
    assert status == 0


async def test_connections_are_capped(server: HttpServer) -> None:
    host, port = server.address.rsplit(":", 1)
    held = [await asyncio.open_connection(host, int(port)) for _ in range(4)]
    for _, writer in held:
        writer.write(b"GET ")
    await until(lambda: len(server._open) == 4)
    try:
        status, _, _ = await exchange(server, b"GET /hello HTTP/1.1\r\n\r\n")
    except ConnectionError:
        status = 0  # cut off before or after what it said had come
    assert status == 0
    for reader, writer in held:
        writer.write(b"/hello HTTP/1.1\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()
    await until(lambda: not server._open)  # each is counted until its task has ended
    assert (await exchange(server, b"GET /hello HTTP/1.1\r\n\r\n"))[0] == 200


async def test_stop_ends_what_is_open() -> None:
    started = asyncio.Event()

    async def hang(request: Request) -> Response:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    running = HttpServer("127.0.0.1", 0)
    running.route("GET", "/hang", hang)
    await running.start()
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(exchange(running, b"GET /hang HTTP/1.1\r\n\r\n"))
        await started.wait()
        await running.stop()
    assert asked.result()[0] == 0


async def test_a_route_may_take_larger_bodies_than_the_others(server: HttpServer) -> None:
    body = b"x" * (MAX_BODY + 1)
    head = b" HTTP/1.1\r\nContent-Length: %d\r\n\r\n"
    status, _, answer = await exchange(server, b"POST /large" + head % len(body) + body)
    assert (status, json.loads(answer)) == (200, len(body))
    assert (await exchange(server, b"POST /large" + head % (2 * MAX_BODY + 1)))[0] == 413
    assert (await exchange(server, b"POST /control" + head % len(body)))[0] == 413


async def test_who_asks_whether_to_go_on_is_told(server: HttpServer) -> None:
    head = b"POST /large HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n"
    status, _, answer = await exchange(server, head + b"xy")
    assert status == 100
    assert answer.startswith(b"HTTP/1.1 200 ")
