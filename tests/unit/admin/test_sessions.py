"""Sessions of a cluster, as far as no network is needed."""

import pytest

from harness.fake_ports import FakeDirectory
from posthouse.admin.sessions import ClusterSessions, Kicked, NotRunning
from posthouse.model.directory import Process
from posthouse.model.errors import NotPermitted


async def test_without_a_token_nobody_is_asked() -> None:
    with pytest.raises(NotPermitted) as caught:
        await ClusterSessions(FakeDirectory(), None).listing()  # type: ignore[arg-type]
    assert "http.control_token_file" in caught.value.public


class Deserted:
    """A directory in which no process announces itself."""

    async def processes(self) -> list[Process]:
        return []


async def test_a_cluster_of_which_nothing_runs_says_so() -> None:
    with pytest.raises(NotRunning) as caught:
        await ClusterSessions(Deserted(), "token").listing()  # type: ignore[arg-type]
    assert "no submission or imap process" in caught.value.public
    assert await ClusterSessions(Deserted(), "token").kick("s1") == Kicked(0)  # type: ignore[arg-type]
