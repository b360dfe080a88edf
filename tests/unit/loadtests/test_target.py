import argparse
import json
from pathlib import Path

import pytest

from target import Account, Endpoint, NotLoopback, Target, add_target_arguments, expand_addresses, target_of


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.8.7", "::1", "localhost"])
def test_loopback_is_allowed(host: str) -> None:
    assert Endpoint(host, 25).host == host


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "10.0.0.1", "0.0.0.0", "::", "mail.example.org", "localhost.example.org", ""]
)
def test_everything_else_is_refused(host: str) -> None:
    with pytest.raises(NotLoopback):
        Endpoint(host, 25)


def test_endpoint_from_text() -> None:
    assert Endpoint.parse("127.0.0.1:2525") == Endpoint("127.0.0.1", 2525)
    assert Endpoint.parse("[::1]:2525") == Endpoint("::1", 2525)


def _ready(tmp_path: Path, mx: str) -> Path:
    path = tmp_path / "ready.json"
    accounts = [{"address": f"a{n}@example.org", "password": "p"} for n in range(3)]
    listeners = {"mx": mx, "http": "0.0.0.0:80"}
    path.write_text(json.dumps({"pid": 7, "version": "1", "listeners": listeners, "accounts": accounts}))
    return path


def test_ready_file(tmp_path: Path) -> None:
    target = Target.from_ready(_ready(tmp_path, "127.0.0.1:21025"))
    assert target.pids == (7,)
    assert target.door("mx") == Endpoint("127.0.0.1", 21025)
    assert target.accounts[2] == Account("a2@example.org", "p")
    with pytest.raises(SystemExit, match="no listener 'imap'"):
        target.door("imap")


def _parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_target_arguments(parser, ("mx",))
    return parser.parse_args(arguments)


def test_arguments_come_before_the_ready_file(tmp_path: Path) -> None:
    ready = str(_ready(tmp_path, "127.0.0.1:21025"))
    target = target_of(_parse("--ready", ready, "--mx", "127.0.0.1:99", "--pid", "8,9", "--accounts", "2"), ("mx",))
    assert (target.door("mx").port, target.pids, len(target.accounts)) == (99, (8, 9), 2)


def test_more_accounts_than_there_are_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="the ready file has 3"):
        target_of(_parse("--ready", str(_ready(tmp_path, "127.0.0.1:1")), "--accounts", "4"), ("mx",))


def test_a_foreign_address_ends_the_program(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="not a loopback address"):
        target_of(_parse("--mx", "198.51.100.1:25"), ("mx",))
    with pytest.raises(SystemExit, match="not a loopback address"):
        target_of(_parse("--ready", str(_ready(tmp_path, "198.51.100.1:25"))), ("mx",))


def test_addresses_by_pattern_and_by_list() -> None:
    assert expand_addresses("user%03d@example.org", 2) == ["user000@example.org", "user001@example.org"]
    assert expand_addresses("a@example.org,b@example.org", 9) == ["a@example.org", "b@example.org"]
