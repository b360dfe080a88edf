"""Addresses of the control socket."""

import socket
from pathlib import Path

import pytest

from posthouse.cli.control_path import NAME, socket_address


@pytest.mark.parametrize("depth", [1, 12])
def test_bound_and_reached_however_deep_the_directory_lies(tmp_path: Path, depth: int) -> None:
    directory = tmp_path.joinpath(*["a-rather-long-name"] * depth)
    directory.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        with socket_address(directory / NAME) as address:
            server.bind(address)
        server.listen()
        assert (directory / NAME).is_socket()
        with socket_address(directory / NAME) as address:
            client.connect(address)


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-name"] * 12)
    with pytest.raises(FileNotFoundError), socket_address(deep / NAME):
        pass
