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

    def get(self, name: str) -> Any:
        """The running server `name`; raises what its installation or start raised."""
        with self._lock:
            for each in {name, *self._wanted} - set(self._started):
                self._started[each] = self._begin(each)
        return self._started[name].result()

    def close(self) -> None:
        """Ends every server at the end of the run."""
        closing = []
        for future in self._started.values():
            if future.done() and future.exception() is None:
                closing.append(threading.Thread(target=future.result().close))
                closing[-1].start()
        for thread in closing:
            thread.join()

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
