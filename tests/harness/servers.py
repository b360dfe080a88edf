"""The servers one test run shares: started at the first request, all that the run will need at once."""

import threading
from collections.abc import Callable, Set
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from harness.cassandra import CassandraServer
from harness.kafka import KafkaServer
from harness.process import Server
from harness.versitygw import VersityGw

MAKERS: dict[str, Callable[[Path], Server]] = {"kafka": KafkaServer, "cassandra": CassandraServer, "s3": VersityGw}


class ServerSet:
    """One Kafka, one Cassandra and one S3 server. `wanted` names those the run is known to need."""

    def __init__(self, run_dir: Path, wanted: Set[str] = frozenset()) -> None:
        self._run_dir = run_dir
        self._wanted = set(wanted)
        self._started: dict[str, Future[Server]] = {}
        self._lock = threading.Lock()
        self._closed = False

    def get(self, name: str) -> Any:
        """The running server `name`; raises what its installation or start raised."""
        with self._lock:
            for each in {name, *self._wanted} - set(self._started):
                self._started[each] = self._begin(each)
        return self._started[name].result()

    def recover(self) -> None:
        """Brings back every server a test left frozen or dead, so that one failed test does not fail all others."""
        if self._closed:
            return
        for server in self._servers():
            if server.running:
                server.resume()
            else:
                server.restart()

    def close(self) -> None:
        """Ends every server at the end of the run."""
        self._closed = True
        closing = [threading.Thread(target=server.close) for server in self._servers()]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()

    def _servers(self) -> list[Server]:
        """Those whose start has succeeded."""
        return [each.result() for each in self._started.values() if each.done() and each.exception() is None]

    def _begin(self, name: str) -> "Future[Server]":
        future: Future[Server] = Future()

        def start() -> None:
            try:
                server = MAKERS[name](self._run_dir)
                server.start()
            except BaseException as error:  # noqa: BLE001 - whoever asks for the server gets it
                future.set_exception(error)
            else:
                future.set_result(server)

        # Daemon threads, not a pool: an interrupted run must not wait for a server that is still starting.
        threading.Thread(target=start, name=f"start-{name}", daemon=True).start()
        return future
