"""What doctor says of a cluster that cannot be reached; of one that can: tests/integration/cli."""

from typing import Any

import pytest

from posthouse.cli.doctor import cluster as checks
from posthouse.cli.schema import schema
from posthouse.model.errors import Unavailable
from posthouse.runtime.settings_load import load


class NoKafka:
    def __init__(self, **options: Any) -> None: ...

    async def start(self) -> None:
        raise OSError("refused")

    async def close(self) -> None: ...


async def no_database(settings: object) -> None:
    raise Unavailable("no host answers")


class Objects:
    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.kept: set[bytes] = set()

    async def put(self, blob_id: bytes, octets: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.kept.add(blob_id)

    async def get(self, blob_id: bytes, start: int, end: int) -> bytes:
        return b"p"

    async def delete(self, blob_id: bytes) -> None:
        self.kept.remove(blob_id)


@pytest.mark.parametrize(("error", "state"), [(None, "ok"), (Unavailable("S3 put: no bucket"), "fail")])
async def test_each_part_has_its_finding(error: Exception | None, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = Objects(error)
    monkeypatch.setattr("aiokafka.admin.AIOKafkaAdminClient", NoKafka)
    monkeypatch.setattr(checks, "connect_database", no_database)
    monkeypatch.setattr(checks, "blob_objects", lambda *_: objects)
    settings = load(schema(), None, {}, ["blob.store=s3"])
    found = [finding async for finding in checks.cluster(settings)]
    assert [(f.check, f.state) for f in found] == [("kafka", "fail"), ("cassandra", "fail"), ("s3", state)]
    assert all(f.fix for f in found if f.state != "ok")
    assert "no host answers" in found[1].text
    assert objects.kept == set()
