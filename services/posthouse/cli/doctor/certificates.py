"""The certificate of the mail listeners: fits its key, is valid today and for some time, carries our name."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Iterable
from pathlib import Path

from posthouse.cli.doctor.finding import Finding, fail, ok, warn

SOON = datetime.timedelta(days=14)
SELF_SIGNED = "selfsigned"


def certificate(cert: Path, key: Path, hostname: str | None, now: datetime.datetime) -> Iterable[Finding]:
    """`hostname`: what clients connect to; None where it is not set."""
    from cryptography import x509

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
        found = x509.load_pem_x509_certificate(cert.read_bytes())
    except (OSError, ssl.SSLError, ValueError) as error:
        text = f"{cert} with {key}: {error.strerror or error}" if isinstance(error, OSError) else f"{cert}: {error}"
        yield fail("certificate", text, "give tls.cert the PEM chain and tls.key the key that belongs to it")
        return
    until = f"{cert} until {found.not_valid_after_utc:%Y-%m-%d}"
    if now < found.not_valid_before_utc:
        yield fail(
            "certificate", f"{cert} is valid only from {found.not_valid_before_utc:%Y-%m-%d}", "look at the clock"
        )
    elif now >= found.not_valid_after_utc:
        yield fail("certificate", f"{until}: it has run out", "renew it; running processes take it up by themselves")
    elif found.not_valid_after_utc - now < SOON:
        yield warn("certificate", f"{until}: it runs out soon", "renew it; running processes take it up by themselves")
    else:
        yield ok("certificate", until)
    if hostname is not None and not _names(found, hostname):
        fix = f"get one for {hostname}, or set smtp.hostname to a name in it"
        yield warn("certificate", f"{cert} does not name {hostname}: clients will warn", fix)


def _names(found: object, hostname: str) -> bool:
    from cryptography import x509

    assert isinstance(found, x509.Certificate)
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    known = [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    # RFC 6125 §6.4.3: a wildcard stands for the leftmost label alone.
    return hostname.lower() in known or "*." + hostname.lower().partition(".")[2] in known
