"""Reading requests and keeping routes. What goes over a socket is in tests/integration/runtime/test_http.py."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from posthouse.runtime import http
from posthouse.runtime.http import MAX_BODY, MAX_HEAD, HttpError, HttpServer, Request, Response


async def hello(request: Request) -> Response:
    return Response.of_json({"hello": request.query})


async def read(head: bytes) -> Request:
    reader = asyncio.StreamReader(limit=MAX_HEAD)
    reader.feed_data(head)
    reader.feed_eof()
    return await http._read(reader)


async def test_a_request() -> None:
    request = await read(
        b"POST /a%20b?x=1&x=2&y= HTTP/1.1\r\nAuthorization: bearer  t0ken \r\nContent-Length: 2\r\n\r\n{}and more"
    )
    assert (request.method, request.path, request.query) == ("POST", "/a b", {"x": "2", "y": ""})
    assert request.bearer == "t0ken"
    assert request.json() == {}


async def test_other_schemes_are_no_bearer() -> None:
    assert (await read(b"GET / HTTP/1.1\r\nAuthorization: Basic eDp5\r\n\r\n")).bearer == ""
    assert (await read(b"GET / HTTP/1.1\r\n\r\n")).bearer == ""


def test_a_route_is_taken_once() -> None:
    running = HttpServer("127.0.0.1", 0)
    running.route("GET", "/x", hello)
    running.route("POST", "/x", hello)
    with pytest.raises(ValueError, match="GET /x"):
        running.route("GET", "/x", hello)
    with pytest.raises(RuntimeError, match="not started"):
        _ = running.address


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.binary(max_size=200)
    | st.builds(
        b"%s %s HTTP/1.1\r\n%s: %s".__mod__,
        st.tuples(
            st.sampled_from([b"GET", b"POST", b""]),
            st.binary(max_size=20).map(lambda path: b"/" + path),
            st.sampled_from([b"Content-Length", b"Transfer-Encoding", b"A"]),
            st.binary(max_size=12) | st.integers(-1, 99).map(lambda number: b"%d" % number),
        ),
    )
)
def test_any_head_is_read_or_refused(head: bytes) -> None:
    try:
        request = asyncio.run(read(head + b"\r\n\r\n" + bytes(50)))
    except (HttpError, asyncio.IncompleteReadError):
        return
    assert len(request.body) <= MAX_BODY
