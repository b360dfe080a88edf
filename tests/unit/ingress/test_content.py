"""What is said of content that breaks the looking; all else is shown over SMTP (tests/integration/smtp)."""

import pytest

from harness.manual_clock import ManualClock
from posthouse.ingress import content
from posthouse.ingress.content import AT_ONCE, ContentChecks
from posthouse.ingress.content_settings import AttachmentSettings, ClamavSettings
from posthouse.model.content import ContentFinding, ContentKind
from posthouse.model.verdict import VerdictKind
from posthouse.telemetry.metrics import Metrics

HEADER = b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
FILE = b'--b\r\nContent-Type: application/octet-stream; name="a.js"\r\n\r\nrun()\r\n'


@pytest.mark.parametrize("filling", [b"", b"x" * 70 * (AT_ONCE // 70 + 1)])
async def test_what_breaks_the_looking_is_held_and_no_connection_is_lost(
    filling: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise IndexError("of a parser")

    checks = ContentChecks(AttachmentSettings(), ClamavSettings(), None, ManualClock(), Metrics())
    octets = HEADER + FILE + b"--b\r\n\r\n" + filling + b"\r\n--b--\r\n"
    assert [each.kind for each in await checks.look(HEADER, octets)] == [ContentKind.SCRIPT]
    monkeypatch.setattr(content, "inspect_parts", breaks)
    broke = ContentFinding(ContentKind.BOMB, detail="broke", asks=VerdictKind.QUARANTINE)
    assert await checks.look(HEADER, octets) == (broke,)
