"""The context of operations."""

from pathlib import Path

from harness.admin import embedded_admin
from posthouse.admin.context import AdminContext
from posthouse.admin.sessions import LocalSessions, NoSessions
from posthouse.runtime.sessions import Sessions


async def test_made_of_adapters(tmp_path: Path) -> None:
    async with embedded_admin(tmp_path) as context:
        assert isinstance(context.sessions, NoSessions)
        assert context.process() == {}
        sessions = LocalSessions(Sessions(), "up")
        assert AdminContext.of(context, sessions).sessions is sessions
        assert AdminContext.of(context).directory is context.directory
