"""What must not be read before training and scoring: the verdicts of other filters, and traces of who collected it.

A model that sees `X-Spam-Status` learns another filter's opinion and fails where that filter is missing. Our own
results of authentication come in as typed evidence, never as header text. Not done here: anything to the body.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from posthouse.protocol.mime.header import header_end

MAX_OCTETS: Final = 4 * 1024 * 1024
"""Octets of a message that are looked at; what lies behind is not read."""
MAX_HEADER: Final = 262_144
"""Octets of the header that are read."""

_FAMILIES: Final = (
    *(b"x-spam", b"x-rspamd", b"x-bogosity", b"x-ms-exchange", b"x-microsoft-antispam", b"x-forefront"),
    *(b"x-proofpoint", b"x-barracuda", b"x-ironport", b"x-mimecast", b"x-mailscanner", b"x-virus", b"x-amavis"),
    *(b"arc-", b"x-gm-", b"x-posthouse-", b"x-dspam", b"x-crm114", b"x-antispam", b"x-anti-spam", b"x-antivirus"),
    *(b"x-bogofilter", b"x-razor", b"x-pyzor", b"x-dcc-", b"x-brightmail", b"x-brightscore", b"x-cloudmark"),
    *(b"x-sophos", b"x-symantec", b"x-pmx", b"x-canit", b"x-scanned", b"x-tm-as", b"x-ctch", b"x-vade", b"x-vr-spam"),
    *(b"x-ovh-spam", b"x-junk", b"x-assp", b"x-cmae", b"x-sa-", b"x-sid-", b"x-mozilla-", b"x-mdav", b"x-clx-"),
    *(b"x-authority", b"x-eopattributed", b"x-exchange-antispam", b"x-ham-", b"x-policyd", b"x-spf-", b"x-dkim-"),
    *(b"x-dmarc", b"x-imap", b"x-kas", b"x-klms", b"x-ksmg", b"x-drweb", b"x-yandex-spam", b"x-gmx-anti", b"x-hmail"),
    *(b"x-fe-", b"x-matched-lists", b"x-nai-spam", b"x-msg-ref", b"x-viruschecked", b"x-trend", b"x-mailcleaner"),
)
_EXACT: Final = (
    *(b"authentication-results", b"received-spf", b"status", b"x-status", b"x-keywords", b"x-uidl", b"x-uid"),
    *(b"content-length", b"lines", b"x-clamav", b"domainkey-status", b"x-label", b"x-folder", b"x-evolution"),
    *(b"x-account-key", b"x-received-spf", b"x-rblwarn", b"x-greylist", b"x-filter-version", b"x-scan-result"),
    *(b"x-auth-result", b"x-authentication-results", b"original-authentication-results", b"x-xalg"),
)
_FIELD = re.compile(
    rb"(?i)(?<=\n)(?:(?:"
    + b"|".join(map(re.escape, _FAMILIES))
    + rb")[!-9;-~]*|(?:"
    + b"|".join(map(re.escape, _EXACT))
    + rb"))[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*(?:\n|\Z)"
)


def sanitise(raw: bytes) -> bytes:
    """The message with LF line ends, without an mbox `From ` line and without the header fields of other filters.

    At most MAX_OCTETS octets; a longer message keeps its head.
    """
    octets = raw[:MAX_OCTETS]
    if b"\r" in octets:
        octets = octets.replace(b"\r\n", b"\n")
    while octets.startswith((b"From ", b">From ")):
        octets = octets[(octets.find(b"\n") + 1) or len(octets) :]
    end = header_end(octets, 0, len(octets))
    header = octets[: min(end, MAX_HEADER)]
    cleaned = _FIELD.sub(b"", b"\n" + header)[1:]
    return octets if len(cleaned) == len(header) else cleaned + octets[end:]


def bucket(raw: bytes) -> int:
    """0 to 99, by the content before any cleaning: train below 60, validation below 80, test from 80."""
    return int(hashlib.sha256(raw).hexdigest()[:8], 16) % 100


def inner_bucket(raw: bytes) -> int:
    """0 to 99, by other digits of the same digest: parts within a part that was cut by `bucket`."""
    return int(hashlib.sha256(raw).hexdigest()[8:16], 16) % 100
