"""Certificates of the mail listeners."""

import asyncio
import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from posthouse.runtime.tls import ServerTls, TlsWatch, self_signed

NOW = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)


def served(tls: ServerTls) -> bytes:
    """The certificate that a client is shown, without a network: two SSL objects and their buffers."""
    client_in, client_out, server_in, server_out = (ssl.MemoryBIO() for _ in range(4))
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    client = trusting.wrap_bio(client_in, client_out, server_hostname="localhost")
    server = tls.context.wrap_bio(server_in, server_out, server_side=True)
    done: set[ssl.SSLObject] = set()
    while len(done) < 2:
        for side in (client, server):
            try:
                side.do_handshake()
                done.add(side)
            except ssl.SSLWantReadError:
                pass
            server_in.write(client_out.read())
            client_in.write(server_out.read())
    certificate = client.getpeercert(binary_form=True)
    assert certificate is not None
    return certificate


def pem_to_der(path: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(path.read_text())


def test_a_laptop_gets_a_certificate_for_its_names(tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path / "tls", now=NOW, hostname="laptop.example")
    certificate = x509.load_pem_x509_certificate(cert.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "laptop.example"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert key.stat().st_mode & 0o777 == 0o600
    assert served(ServerTls(cert, key)) == pem_to_der(cert)


def test_it_is_kept_until_it_is_near_its_end(tmp_path: Path) -> None:
    first = self_signed(tmp_path, now=NOW)[0].read_bytes()
    assert self_signed(tmp_path, now=NOW + datetime.timedelta(days=360))[0].read_bytes() == first
    assert self_signed(tmp_path, now=NOW + datetime.timedelta(days=370))[0].read_bytes() != first


def test_a_pair_cut_short_by_a_crash_is_made_anew(tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path, now=NOW)
    cert.write_text("-----BEGIN CERTIFICATE-----\nnonsense")
    assert ServerTls(*self_signed(tmp_path, now=NOW))
    key.unlink()
    assert ServerTls(*self_signed(tmp_path, now=NOW))


def test_a_host_name_that_cannot_stand_in_a_certificate_is_left_out(tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path, now=NOW, hostname="büro")
    assert ServerTls(cert, key)


def test_old_versions_and_weak_ciphers_are_off(tmp_path: Path) -> None:
    context = ServerTls(*self_signed(tmp_path, now=NOW)).context
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    names = [cipher["name"] for cipher in context.get_ciphers()]
    assert names
    assert all("GCM" in name or "CHACHA20" in name for name in names), names


def test_a_renewed_certificate_is_served_by_the_same_context(tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path, now=NOW)
    tls = ServerTls(cert, key)
    old = served(tls)
    assert not tls.changed()
    self_signed(tmp_path, now=NOW + datetime.timedelta(days=380))
    assert tls.changed()
    assert tls.reload()
    assert not tls.changed()
    assert served(tls) == pem_to_der(cert) != old


def test_a_pair_that_does_not_fit_leaves_the_old_one(tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path / "one", now=NOW)
    tls = ServerTls(cert, key)
    old = served(tls)
    other = self_signed(tmp_path / "two", now=NOW)[0]
    cert.write_bytes(other.read_bytes())
    assert not tls.reload()
    assert served(tls) == old
    cert.unlink()
    assert tls.changed()
    assert not tls.reload()
    assert served(tls) == old


def test_unusable_files_are_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ServerTls(tmp_path / "none.crt", tmp_path / "none.key")


async def test_the_watch_looks_in_intervals_until_the_drain(tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path, now=NOW)
    tls = ServerTls(cert, key)
    slept: list[float] = []

    class Renewing:
        def now_us(self) -> int:
            return 0

        def monotonic(self) -> float:
            return 0.0

        async def sleep(self, seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == 2:
                self_signed(tmp_path, now=NOW + datetime.timedelta(days=380))
            if len(slept) == 3:
                await watch.drain()
            await asyncio.sleep(0)

    watch = TlsWatch(tls, Renewing(), interval=60.0)
    await watch.run()
    assert slept == [60.0, 60.0, 60.0]
    assert served(tls) == pem_to_der(cert)
