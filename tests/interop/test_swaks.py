"""swaks against the embedded platform: mail from outside, and submission with STARTTLS, implicit TLS and AUTH."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.debian_programs import program
from harness.posthouse_cluster import Person
from harness.posthouse_up import PosthouseUp


@pytest.fixture(scope="module")
def up(run_dir: Path) -> Iterator[PosthouseUp]:
    running = PosthouseUp(run_dir, accounts=2, name="swaks")
    running.start()
    yield running
    running.stop()
    running.close()


@pytest.fixture(scope="module")
def people(up: PosthouseUp) -> list[Person]:
    return up.people()


def swaks(*arguments: str) -> subprocess.CompletedProcess[str]:
    binary = program("swaks", "swaks libnet-ssleay-perl")
    return subprocess.run([binary, *arguments], check=False, capture_output=True, text=True, timeout=120)


def test_mail_from_outside(up: PosthouseUp, people: list[Person]) -> None:
    server = f"127.0.0.1:{up.ports['mx.port']}"
    done = swaks("--server", server, "--to", people[0].address, "--from", "you@example.org")
    assert done.returncode == 0, done.stdout
    assert "<-  250 2.0.0" in done.stdout
    refused = swaks("--server", server, "--to", "someone@elsewhere.example", "--from", "you@example.org")
    assert "<** 550 5.7.1" in refused.stdout
    postmaster = swaks("--server", server, "--to", "postmaster", "--from", "you@example.org")
    assert postmaster.returncode == 0, postmaster.stdout


@pytest.mark.parametrize(("port", "tls"), [("submission.port", "--tls"), ("submission.tls_port", "--tls-on-connect")])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_submission(up: PosthouseUp, people: list[Person], port: str, tls: str, mechanism: str) -> None:
    ann, bob = people[0], people[1]
    login = ("--auth", mechanism, "--auth-user", ann.address, "--auth-password", ann.password)
    server = ("--server", f"127.0.0.1:{up.ports[port]}", tls)
    done = swaks(*server, *login, "--from", ann.address, "--to", bob.address)
    assert done.returncode == 0, done.stdout
    forged = swaks(*server, *login, "--from", bob.address, "--to", bob.address)
    assert "550 5.7.1" in forged.stdout
    wrong = swaks(*server, *login[:-1], "wrong", "--from", ann.address, "--to", bob.address)
    assert "535 5.7.8" in wrong.stdout
