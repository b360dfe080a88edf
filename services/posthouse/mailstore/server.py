"""The listener of the mailstore service, with health (grpc.health.v1) and reflection."""

from __future__ import annotations

from collections.abc import Callable

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from posthouse.control.v1 import mailstore_pb2
from posthouse.control.v1.mailstore_pb2_grpc import add_MailStoreServicer_to_server
from posthouse.mailstore.service import MAX_WATCHED, MailStoreService
from posthouse.ports.mail_store import MailStore
from posthouse.runtime.component import Component
from posthouse.store.account.remote_calls import MAX_MESSAGE

OPTIONS = (
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.so_reuseport", 0),
)
SERVICE = mailstore_pb2.DESCRIPTOR.services_by_name["MailStore"].full_name


class MailStoreServer(Component):
    """The listener, as a component. Draining refuses new work and lets running calls end within `grace` seconds."""

    name = "mailstore service"

    def __init__(
        self,
        store: MailStore,
        host: str,
        port: int,
        *,
        grace: float = 10.0,
        max_watched: int = MAX_WATCHED,
        watch_refused: Callable[[], None] = lambda: None,
    ) -> None:
        self.service = MailStoreService(store, max_watched=max_watched, watch_refused=watch_refused)
        self._store = store
        self._host = host
        self._port = port
        self._grace = grace
        self._health = health.aio.HealthServicer()
        self._server: grpc.aio.Server | None = None
        self.address = ""
        """host:port it is bound to, once started."""

    async def start(self) -> None:
        self._server = grpc.aio.server(options=OPTIONS)
        add_MailStoreServicer_to_server(self.service, self._server)  # type: ignore[no-untyped-call]
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server)
        self.address = f"{self._host}:{self._server.add_insecure_port(f'{self._host}:{self._port}')}"
        await self._server.start()
        await self._say(health_pb2.HealthCheckResponse.SERVING)

    async def _say(self, status: int) -> None:
        for name in ("", SERVICE):
            await self._health.set(name, status)

    async def drain(self) -> None:
        self.service.drain()
        await self._say(health_pb2.HealthCheckResponse.NOT_SERVING)
        if self._server is not None:
            await self._server.stop(self._grace)

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop(0)
