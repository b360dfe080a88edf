"""Ports: free where Posthouse is to listen, answering where it runs."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable, Mapping
from typing import Final

from posthouse.cli.doctor.finding import Finding, fail, ok, warn

STANDARD: Final = {"mx": 25, "http": 80, "imap": 143, "submissions": 465, "submission": 587, "imaps": 993}
ANSWER = 3.0
"""Seconds."""


def answering(listeners: Mapping[str, str]) -> Iterable[Finding]:
    """Of a running process: each is connected to."""
    silent = []
    for name, address in sorted(listeners.items()):
        host, _, port = address.rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER):
                pass
        except OSError as error:
            text = f"{name} at {address}: {error.strerror or error}"
            silent.append(fail("listeners", text, "look into its log; a firewall on loopback is rare"))
    return silent or [ok("listeners", ", ".join(f"{name} {at}" for name, at in sorted(listeners.items())))]


def free(host: str, port_base: int) -> Iterable[Finding]:
    """Before a start: each port that `posthouse up` would take can be taken."""
    taken = []
    for name, standard in STANDARD.items():
        port = port_base + standard
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                taken.append(_taken(name, host, port, error))
    return taken or [ok("ports", f"{host}: {', '.join(str(port_base + p) for p in STANDARD.values())} are free")]


def _taken(name: str, host: str, port: int, error: OSError) -> Finding:
    if error.errno == errno.EADDRINUSE:
        fix = f"end what listens there (`ss -ltnp sport = :{port}` names it), or choose another --port-base"
        return fail("ports", f"{name}: {host}:{port} is taken", fix)
    if error.errno in (errno.EACCES, errno.EPERM):
        fix = "give the service CAP_NET_BIND_SERVICE, or choose a --port-base above 1024"
        return fail("ports", f"{name}: {host}:{port} needs privileges", fix)
    return warn("ports", f"{name}: {host}:{port}: {error.strerror}", "name an address of this machine with --host")
