"""Unbound, a validating resolver, with zones of the test's own: some signed, one of those wrongly; UDP, TCP and TLS.

The zones are signed here, by dnspython, and served by Unbound to itself (auth-zone, for-upstream), so that it resolves
and validates as it does with the world's, and asks nobody. The program is found on the machine, or unpacked from
Debian's packages into the cache without being installed.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import dns.dnssec
import dns.dnssectypes
import dns.name
import dns.rdatatype
import dns.zone
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harness.debian_programs import unpacked
from harness.ports import free_port
from harness.process import Server

TLS_NAME = "resolver.test"

CONFIG = """\
server:
  interface: 127.0.0.1@{port}
  interface: 127.0.0.1@{tls_port}
  port: {port}
  tls-port: {tls_port}
  tls-service-pem: "{home}/cert.pem"
  tls-service-key: "{home}/key.pem"
  access-control: 127.0.0.0/8 allow
  do-daemonize: no
  use-syslog: no
  logfile: ""
  verbosity: 1
  ede: yes
  username: ""
  chroot: ""
  directory: "{home}"
  pidfile: ""
  module-config: "validator iterator"
  do-not-query-localhost: no
  trust-anchor-signaling: no
  root-hints: "{home}/hints"
  trust-anchor-file: "{home}/anchors"
  local-zone: "test." nodefault
  local-zone: "2.0.192.in-addr.arpa." nodefault
  edns-buffer-size: 1232
  num-threads: 1
remote-control:
  control-enable: no
"""
HINTS = ". 3600000 NS nobody.\nnobody. 3600000 A 127.0.0.1\n"
"""Where the world's names would be asked for: nowhere."""
ZONE = """\
auth-zone:
  name: "{name}"
  zonefile: "{home}/{name}.zone"
  for-upstream: yes
  for-downstream: no
  fallback-enabled: no
"""


class Unbound(Server):
    """`zones`: name of the zone → its records in master file form, relative to it; SOA and NS are added. Those named in
    `signed` are signed and trusted; those in `bogus` too, and changed after that."""

    start_deadline = 120.0

    def __init__(
        self, run_dir: Path, zones: Mapping[str, str], *, signed: Sequence[str] = (), bogus: Sequence[str] = ()
    ) -> None:
        self.port, self.tls_port = free_port(), free_port()
        super().__init__(f"unbound-{self.port}", run_dir)
        self._program, self._libraries = unpacked("usr/sbin/unbound", "unbound")
        self.ca = self._certificate()
        anchors = []
        text = CONFIG.format(port=self.port, tls_port=self.tls_port, home=self.home)
        for name, records in zones.items():
            zone, anchor = make_zone(name, records), ""
            if name in signed or name in bogus:
                zone, anchor = signed_zone(name, records)
            if name in bogus:
                zone = zone.replace("192.0.2.", "198.51.100.")
            (self.home / f"{name}.zone").write_text(zone)
            anchors.append(anchor)
            text += ZONE.format(name=name, home=self.home)
        (self.home / "anchors").write_text("".join(anchors))
        (self.home / "hints").write_text(HINTS)
        self._config = self.home / "unbound.conf"
        self._config.write_text(text)

    def argv(self) -> Sequence[str]:
        return [str(self._program), "-d", "-c", str(self._config)]

    def environment(self) -> Mapping[str, str]:
        inherited = os.environ.get("LD_LIBRARY_PATH", "")
        return {"LD_LIBRARY_PATH": ":".join([*self._libraries, *([inherited] if inherited else [])])}

    def not_ready(self) -> str | None:
        for port in (self.port, self.tls_port):
            with socket.socket() as probe:
                probe.settimeout(0.2)
                if probe.connect_ex(("127.0.0.1", port)) != 0:
                    return f"nobody listens on {port}"
        return None

    def _certificate(self) -> Path:
        """A certificate for TLS_NAME and for no address, which is its own authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, TLS_NAME)])
        now = datetime.datetime.now(datetime.UTC)
        names = x509.SubjectAlternativeName(
            [x509.DNSName(TLS_NAME), x509.IPAddress(ipaddress.ip_address("192.0.2.53"))]
        )
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(names, critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        pem = self.home / "cert.pem"
        pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (self.home / "key.pem").write_bytes(private)
        return pem


def make_zone(name: str, records: str) -> str:
    """Master file text with SOA and NS; negative answers are good for 60 s."""
    head = f"$ORIGIN {name}.\n$TTL 300\n@ IN SOA ns hostmaster 1 3600 600 86400 60\n@ IN NS ns\nns IN A 127.0.0.1\n"
    return head + records


def signed_zone(name: str, records: str) -> tuple[str, str]:
    """(signed master file text, the DS record to trust)."""
    zone = dns.zone.from_text(make_zone(name, records), origin=name + ".", relativize=False)
    key = ec.generate_private_key(ec.SECP256R1())
    algorithm = dns.dnssectypes.Algorithm.ECDSAP256SHA256
    dnskey = dns.dnssec.make_dnskey(key.public_key(), algorithm, flags=257)
    now = datetime.datetime.now(datetime.UTC)
    with zone.writer() as transaction:
        dns.dnssec.sign_zone(
            zone,
            transaction,
            keys=[(key, dnskey)],
            inception=now - datetime.timedelta(hours=1),
            expiration=now + datetime.timedelta(days=2),
            dnskey_ttl=300,
        )
    apex = dns.name.from_text(name + ".")
    ds = dns.dnssec.make_ds(apex, dnskey, "SHA256")
    return zone.to_text(relativize=False), f"{apex} IN DS {ds.to_text()}\n"
