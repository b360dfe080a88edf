"""What doctor says of ports; with real ones: tests/integration/cli/test_doctor.py."""

import errno
import socket

import pytest

from posthouse.cli.doctor import listeners


@pytest.mark.parametrize(
    ("number", "state", "says"),
    [
        (errno.EADDRINUSE, "fail", "is taken"),
        (errno.EACCES, "fail", "needs privileges"),
        (errno.EADDRNOTAVAIL, "warn", "Cannot assign"),
    ],
)
def test_why_a_port_cannot_be_bound(number: int, state: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        def __init__(self, *args: object) -> None: ...

        def __enter__(self) -> "Refusing":
            return self

        def __exit__(self, *args: object) -> None: ...

        def setsockopt(self, *args: object) -> None: ...

        def bind(self, address: tuple[str, int]) -> None:
            raise OSError(number, "Cannot assign requested address")

    monkeypatch.setattr(socket, "socket", Refusing)
    found = list(listeners.free("127.0.0.1", 0))
    assert [finding.state for finding in found] == [state] * len(listeners.STANDARD)
    assert f"mx: 127.0.0.1:25{' ' if says.startswith(('is', 'needs')) else ': '}{says}" in found[0].text
