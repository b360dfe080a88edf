"""TLS of the mail listeners: one server context that lives as long as the process and takes up renewed certificates.

`ServerTls.reload` puts a new certificate into the same `SSLContext`, so that listeners need not be told; handshakes
under way keep the old one. A pair that does not fit, or a file that is half written, leaves the old one in place.
RFC 8314 and RFC 9325: TLS 1.2 at least, forward secrecy, authenticated encryption.
"""

import datetime
import ipaddress
import os
import socket
import ssl
from pathlib import Path
from typing import Final

from posthouse.ports.clock import Clock
from posthouse.runtime.component import Service
from posthouse.telemetry.logging import EventLogger

# RFC 9325 §4.2: ECDHE with AES-GCM or ChaCha20 for TLS 1.2; those of TLS 1.3 are all fine.
CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
_VALIDITY: Final = datetime.timedelta(days=397)
_RENEW_BEFORE: Final = datetime.timedelta(days=30)

log = EventLogger("posthouse.runtime.tls")


class ServerTls:
    """A certificate, its key and the context made of them. OSError or ssl.SSLError where they cannot be used."""

    __slots__ = ("_cert", "_key", "_seen", "context")

    def __init__(self, cert: Path, key: Path) -> None:
        self._cert = cert
        self._key = key
        self._seen = self._stamp()
        self.context: Final = _context()
        """For listeners and STARTTLS."""
        self.context.load_cert_chain(cert, key)

    def changed(self) -> bool:
        """Whether the files are others than those that were read last."""
        return self._stamp() != self._seen

    def reload(self) -> bool:
        """Take up the files; False, and the old certificate stays, where they cannot be used."""
        stamp = self._stamp()
        try:
            # Tried apart first: a context whose certificate and key do not fit would serve nobody.
            _context().load_cert_chain(self._cert, self._key)
            self.context.load_cert_chain(self._cert, self._key)
        except (OSError, ssl.SSLError) as error:
            log.error("certificate not reloaded", file=str(self._cert), reason=type(error).__name__)
            return False
        self._seen = stamp
        log.info("certificate reloaded", file=str(self._cert))
        return True

    def _stamp(self) -> tuple[tuple[int, int, int], ...]:
        found = []
        for path in (self._cert, self._key):
            try:
                stat = path.stat()
            except FileNotFoundError:
                found.append((0, 0, 0))
            else:
                found.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
        return tuple(found)


class TlsWatch(Service):
    """Looks at the files every `interval` seconds and at SIGHUP (`Lifecycle.on_hangup(watch.look)`)."""

    name = "tls"

    def __init__(self, tls: ServerTls, clock: Clock, interval: float = 60.0) -> None:
        self._tls = tls
        self._clock = clock
        self._interval = interval
        self._draining = False

    async def run(self) -> None:
        """Look until the drain."""
        while not self._draining:
            await self._clock.sleep(self._interval)
            self.look()

    async def drain(self) -> None:
        """The certificate of now will do."""
        self._draining = True

    def look(self) -> None:
        """Reload if the files have changed."""
        if self._tls.changed():
            self._tls.reload()


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    return context


def self_signed(directory: Path, *, now: datetime.datetime, hostname: str | None = None) -> tuple[Path, Path]:
    """The certificate and key of a laptop, kept in `directory`, made where missing or near their end.

    Names: localhost, the host name, 127.0.0.1, ::1. The key has mode 0600. ImportError without the extra `tls`.
    """
    cert, key = directory / "selfsigned.crt", directory / "selfsigned.key"
    if not (cert.exists() and key.exists() and _lasts(cert, now)):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        certificate, private = _make(now, hostname or socket.gethostname())
        # The key first: a crash between the two leaves a pair that is made anew, since the old certificate is gone.
        cert.unlink(missing_ok=True)
        _write(key, private, 0o600)
        _write(cert, certificate, 0o644)
    return cert, key


def _lasts(cert: Path, now: datetime.datetime) -> bool:
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(cert.read_bytes())
    except ValueError:
        return False
    return certificate.not_valid_before_utc <= now and now + _RENEW_BEFORE < certificate.not_valid_after_utc


def _make(now: datetime.datetime, hostname: str) -> tuple[bytes, bytes]:
    # Imported where needed: only `posthouse up` makes certificates.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    private = ec.generate_private_key(ec.SECP256R1())
    # RFC 5280 §4.2.1.6: a dNSName is an A-label; a machine may be called otherwise.
    names = dict.fromkeys(["localhost", *([hostname] if hostname.isascii() and hostname else [])])
    addresses = [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Posthouse on this machine")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + _VALIDITY)
        .add_extension(
            x509.SubjectAlternativeName(
                [*(x509.DNSName(name) for name in names), *(x509.IPAddress(address) for address in addresses)]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
