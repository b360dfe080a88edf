"""/sessions and /sessions/kick: what `posthouse who` and `posthouse kick` ask of each process of a cluster.

Logins and addresses of users are nobody else's business: without `http.control_token` the routes do not exist, with it
each request carries it as a bearer token.
"""

import dataclasses
import hmac
from http import HTTPStatus

from posthouse.runtime.http import HttpError, HttpServer, Request, Response
from posthouse.runtime.sessions import Sessions
from posthouse.runtime.settings import Secret


def add_session_routes(server: HttpServer, sessions: Sessions, token: Secret | None, process_id: str) -> None:
    """Put both routes onto the server; nothing without a token."""
    if token is None:
        return
    expected = token.reveal().encode()

    def allowed(request: Request) -> None:
        if not hmac.compare_digest(request.bearer.encode(), expected):
            raise HttpError(HTTPStatus.FORBIDDEN, "not with this token")

    async def listing(request: Request) -> Response:
        allowed(request)
        rows = [
            {
                "process": process_id,
                **{name: value for name, value in dataclasses.asdict(info).items() if name != "account"},
            }
            for info in sessions.list()
        ]
        return Response.of_json({"sessions": rows})

    async def kick(request: Request) -> Response:
        allowed(request)
        match request.json():
            case {"who": str() as who}:
                return Response.of_json({"kicked": sessions.kick(who)})
        raise HttpError(HTTPStatus.BAD_REQUEST, 'expected {"who": "session id or address"}')

    server.route("GET", "/sessions", listing)
    server.route("POST", "/sessions/kick", kick)
