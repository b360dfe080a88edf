"""Where a command finds the stores.

Embedded (`--data`): a process that has the directory open is asked through its control socket; where none runs, the
directory is opened for this one command, under the same lock. Cluster (`--config` with settings of kafka or cassandra):
the stores are opened directly. A `--config` without these is that of an embedded platform: its data.dir counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from posthouse.cli.exits import USAGE, CommandError, of_mail_error

if TYPE_CHECKING:
    from posthouse.runtime.settings import Settings

T = TypeVar("T")
DATABASE = "posthouse.db"
_CLUSTER = ("kafka", "cassandra")


@dataclass(frozen=True, slots=True)
class Desk:
    data: Path
    config: Path | None
    """Settings of a cluster, or of an embedded platform."""
    overrides: tuple[str, ...] = ()
    as_json: bool = False

    def run(self, command: str, *, makes: bool = False, **arguments: object) -> Any:
        """Does the operation and returns its result in JSON's types; ends the command where it is refused. Arguments
        that are None are left out. `makes`: the data directory may be a new one."""
        given = {name: value for name, value in arguments.items() if value is not None}
        return self.wait(self.answer(command, given, makes=makes))

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs `work` on a loop of its own, its errors mapped to exit codes."""
        from posthouse.model.errors import MailError

        try:
            return asyncio.run(work)
        except MailError as error:
            raise of_mail_error(error, as_json=self.as_json) from error

    async def answer(self, command: str, arguments: dict[str, object], *, makes: bool = False) -> Any:
        """As `run`, for commands that ask more than once. MailError."""
        cluster, data = self.place()
        if cluster is not None:
            return await self._cluster(cluster, command, arguments)
        from posthouse.cli.control_client import NobodyThere, ask

        try:
            return await ask(data, command, arguments)
        except NobodyThere:
            return await self._embedded(data, command, arguments, makes)

    def place(self) -> tuple[Settings | None, Path]:
        """The settings of the cluster, or None and the data directory."""
        if self.config is None:
            return None, self.data
        from posthouse.runtime.sections import DataSettings

        settings = self.settings()
        if any(path.partition(".")[0] in _CLUSTER for path in settings.sources):
            return settings, self.data
        return None, settings.section(DataSettings).dir

    async def _embedded(self, data: Path, command: str, arguments: dict[str, object], makes: bool) -> Any:
        from posthouse.admin import wire
        from posthouse.admin.context import AdminContext
        from posthouse.admin.dispatch import dispatch
        from posthouse.composition.embedded import open_embedded
        from posthouse.engines.sqlite import DataDirectoryLocked
        from posthouse.model.errors import NotFound, Unavailable

        if not makes and not (data / DATABASE).exists():
            raise NotFound(
                f"no {DATABASE}",
                public=f"there is no Posthouse in {data}: name its directory with --data, "
                f"or begin one with `posthouse up --data {data}`",
            )
        try:
            async with open_embedded(data) as embedded:
                return wire.decode(wire.encode(await dispatch(AdminContext.of(embedded.adapters), command, arguments)))
        except DataDirectoryLocked as error:
            raise Unavailable(
                str(error),
                public=f"{data} is in use by a process that does not answer at its control socket: "
                "it starts or stops right now, or another command has it open; try again",
            ) from error

    async def _cluster(self, settings: Settings, command: str, arguments: dict[str, object]) -> Any:
        from posthouse.admin import wire
        from posthouse.admin.context import AdminContext
        from posthouse.admin.dispatch import dispatch
        from posthouse.admin.sessions import ClusterSessions
        from posthouse.composition.cluster import open_cluster
        from posthouse.runtime.sections import HttpSettings

        # Its own view of the account logs: every commit is conditional, so it and the mailstore processes agree.
        async with open_cluster(settings, own_mail_store=True) as cluster:
            token = settings.section(HttpSettings).control_token
            sessions = ClusterSessions(cluster.adapters.directory, token.reveal() if token else None)
            context = AdminContext.of(cluster.adapters, sessions)
            return wire.decode(wire.encode(await dispatch(context, command, arguments)))

    def settings(self) -> Settings:
        """Those of `--config`, the environment and `--set`."""
        return load_settings(self.config, self.overrides, as_json=self.as_json)


def load_settings(config: Path | None, overrides: tuple[str, ...], *, as_json: bool = False) -> Settings:
    """Ends the command where something is wrong, with every reason."""
    import os

    from posthouse.cli.schema import schema
    from posthouse.runtime.settings import SettingsError
    from posthouse.runtime.settings_load import load

    try:
        return load(schema(), config, os.environ, overrides)
    except SettingsError as error:
        lines = "\n".join(f"  {problem}" for problem in error.problems)
        raise CommandError(f"the settings cannot be used:\n{lines}", USAGE, "SettingsError", as_json=as_json) from error
