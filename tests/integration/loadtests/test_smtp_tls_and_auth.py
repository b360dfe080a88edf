"""smtp.py over STARTTLS and implicit TLS with AUTH, against aiosmtpd."""

import asyncio
import json
import ssl
import sys
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

import peers

_TOOL = Path(__file__).parents[3] / "loadtests" / "smtp.py"


class Handler:
    """Takes everything and remembers from whom, and whether TLS was on."""

    def __init__(self) -> None:
        self.taken: list[tuple[str | None, bool, object]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.taken.append((envelope.mail_from, session.ssl is not None, session.login_data))
        return "250 taken"


def _authenticate(_server: object, _session: object, _envelope: object, mechanism: str, login: object) -> AuthResult:
    assert isinstance(login, LoginPassword)
    right = (mechanism, login.login, login.password) == ("PLAIN", b"user000@example.org", b"secret")
    return AuthResult(success=right, auth_data=login.login, handled=False)


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_each_message_is_sent_as_the_login_under_tls(tls: str, tmp_path: Path) -> None:
    peers.self_sign(tmp_path / "cert.pem", tmp_path / "key.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    handler = Handler()

    def serve() -> SMTP:
        starttls = context if tls == "starttls" else None
        return SMTP(handler, authenticator=_authenticate, tls_context=starttls, auth_require_tls=tls == "starttls")

    loop = asyncio.get_running_loop()
    server = await loop.create_server(serve, "127.0.0.1", 0, ssl=context if tls == "implicit" else None)
    port = server.sockets[0].getsockname()[1]
    (tmp_path / "password").write_text("secret\n")
    argv = [sys.executable, str(_TOOL), "--submission", f"127.0.0.1:{port}", "--door", "submission", "--tls", tls]
    argv += ["--auth", "--accounts", "user%03d@example.org", "--count", "3"]
    argv += ["--password-file", str(tmp_path / "password"), "--connections", "2", "--messages", "5", "--json"]
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    server.close()
    assert process.returncode == 0
    assert json.loads(out)["accepted"] == 10
    assert len(handler.taken) == 10
    assert {sender for sender, _ssl, _login in handler.taken} == {"user000@example.org"}
    if tls == "starttls":
        assert all(over_tls for _sender, over_tls, _login in handler.taken)
