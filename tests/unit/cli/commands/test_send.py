"""`posthouse send`, as far as no server is needed; with one: tests/integration/cli."""

from email import message_from_bytes, policy

from harness.command import Commands
from posthouse.cli.commands.send import _address, _message, _tls


def test_the_message_that_is_made_is_one() -> None:
    octets = _message("", ("alice@example.org", "bob@example.org"), "Grüße")
    message = message_from_bytes(octets, policy=policy.SMTP)
    assert message["Subject"] == "Grüße"
    assert message["From"] == "postmaster@example.org"
    assert message["To"] == "alice@example.org, bob@example.org"
    assert message["Date"]
    assert message["Message-ID"]
    assert b"\n" not in octets.replace(b"\r\n", b"")


def test_certificates_are_checked_but_on_this_machine() -> None:
    assert not _tls("127.0.0.1").check_hostname
    assert not _tls("localhost").check_hostname
    assert _tls("192.0.2.1").check_hostname
    assert _tls("mx.example.org").check_hostname


def test_addresses_of_servers() -> None:
    assert _address("mx.example.org:25") == ("mx.example.org", 25)
    assert _address("[::1]:25") == ("::1", 25)


def test_usage(commands: Commands) -> None:
    assert "start one with `posthouse up`" in commands.refused("send", "--to", "alice@example.org", code=3)
    assert "HOST:PORT" in commands.refused("send", "--to", "alice@example.org", "--via", "mx", code=2)
    assert "go together" in commands.refused("send", "--to", "a@example.org", "--login", "a@example.org", code=2)
    assert "--to" in commands.refused("send", code=2)
