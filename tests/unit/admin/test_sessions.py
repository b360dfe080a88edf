"""Sessions of a cluster, as far as no network is needed."""

import pytest

from harness.fake_ports import FakeDirectory
from posthouse.admin.sessions import ClusterSessions
from posthouse.model.errors import NotPermitted


async def test_without_a_token_nobody_is_asked() -> None:
    with pytest.raises(NotPermitted) as caught:
        await ClusterSessions(FakeDirectory(), None).listing()  # type: ignore[arg-type]
    assert "http.control_token_file" in caught.value.public
