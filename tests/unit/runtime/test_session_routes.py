"""The routes behind `posthouse who` and `posthouse kick`: only with the token, and nothing without one."""

import json
import uuid
from collections.abc import Mapping

import pytest

from posthouse.model.ids import AccountId
from posthouse.runtime.http import Handler, HttpError, HttpServer, Request, Response
from posthouse.runtime.session_routes import add_session_routes
from posthouse.runtime.sessions import SessionInfo, Sessions
from posthouse.runtime.settings import Secret


class Routes(HttpServer):
    """Keeps what is routed."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1", 0)
        self.found: dict[tuple[str, str], Handler] = {}

    def route(self, method: str, path: str, handler: Handler) -> None:
        self.found[method, path] = handler

    async def ask(self, method: str, path: str, token: str = "token", body: bytes = b"") -> Response:
        headers: Mapping[str, str] = {"authorization": f"Bearer {token}"} if token else {}
        return await self.found[method, path](Request(method, path, {}, headers, body))


@pytest.fixture
def ended() -> list[str]:
    return []


@pytest.fixture
def routes(ended: list[str]) -> Routes:
    sessions, routes = Sessions(), Routes()
    info = SessionInfo("s1", "imaps", "alice@example.org", AccountId(uuid.uuid4()), "192.0.2.1", "TLSv1.3", 7)
    sessions.add(info, lambda: ended.append("s1"))
    add_session_routes(routes, sessions, Secret("token"), "imap-1")
    return routes


async def test_sessions_are_listed_without_account_ids(routes: Routes) -> None:
    (session,) = json.loads((await routes.ask("GET", "/sessions")).body)["sessions"]
    assert session == {
        "process": "imap-1",
        "session_id": "s1",
        "protocol": "imaps",
        "login": "alice@example.org",
        "peer_ip": "192.0.2.1",
        "tls": "TLSv1.3",
        "since_us": 7,
    }


async def test_sessions_are_ended(routes: Routes, ended: list[str]) -> None:
    answer = await routes.ask("POST", "/sessions/kick", body=b'{"who": "Alice@example.org"}')
    assert (json.loads(answer.body), ended) == ({"kicked": 1}, ["s1"])


@pytest.mark.parametrize("token", ["", "tokem", "token "[:4], "tökén"])
@pytest.mark.parametrize("route", [("GET", "/sessions"), ("POST", "/sessions/kick")])
async def test_another_token_is_refused(routes: Routes, ended: list[str], token: str, route: tuple[str, str]) -> None:
    with pytest.raises(HttpError) as caught:
        await routes.ask(*route, token=token, body=b'{"who": "s1"}')
    assert (caught.value.status, ended) == (403, [])


@pytest.mark.parametrize("body", [b"", b"[]", b'{"who": 1}'])
async def test_what_is_no_request_is_refused(routes: Routes, body: bytes) -> None:
    with pytest.raises(HttpError) as caught:
        await routes.ask("POST", "/sessions/kick", body=body)
    assert caught.value.status == 400


def test_without_a_token_there_are_no_routes() -> None:
    routes = Routes()
    add_session_routes(routes, Sessions(), None, "imap-1")
    assert routes.found == {}
