"""What sender authentication does where its checks break, and with large messages."""

import threading

import pytest

from harness.manual_clock import ManualClock
from harness.signed_mail import DOMAIN, MESSAGE, key_record, rsa_key
from posthouse.dns.zones import ZoneResolver
from posthouse.ingress import sender_authentication
from posthouse.ingress.authentication_settings import AuthenticationSettings
from posthouse.ingress.sender_authentication import AT_ONCE, SenderAuthentication
from posthouse.mailauth.dkim import message as dkim_message
from posthouse.mailauth.dkim.message import SignedMessage
from posthouse.mailauth.dkim.sign import sign
from posthouse.mailauth.evaluate import Client
from posthouse.model.authentication import AuthResult
from posthouse.telemetry.metric_names import AUTHENTICATION_RESULTS
from posthouse.telemetry.metrics import Metrics

CLIENT = Client("192.0.2.1", "mx.example.org", "joe@example.org")
ZONES = {f"s._domainkey.{DOMAIN}": {"TXT": [key_record(rsa_key())]}}


def authentication(metrics: Metrics) -> SenderAuthentication:
    clock = ManualClock()
    return SenderAuthentication(ZoneResolver(ZONES), clock, metrics, AuthenticationSettings(), hostname="mx.example")


async def test_checks_that_break_are_a_temperror(monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(*_: object) -> None:
        raise ExceptionGroup("unhandled errors", [IndexError("of a parser")])

    monkeypatch.setattr(sender_authentication, "authenticate", breaks)
    metrics = Metrics()
    found = await authentication(metrics).look(CLIENT, MESSAGE)
    assert found.results.in_short == "spf=temperror dkim=temperror dmarc=temperror"
    assert metrics.counter(AUTHENTICATION_RESULTS, "dmarc", "temperror").value == 1


@pytest.mark.parametrize("size", [100, AT_ONCE + 1])
async def test_a_large_body_is_hashed_beside_the_event_loop(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    hashing: set[bool] = set()
    relaxed = dkim_message.relaxed_body

    def watched(body: bytes) -> bytes:
        hashing.add(threading.current_thread() is threading.main_thread())
        return relaxed(body)

    octets = MESSAGE + b"a line  of text\r\n" * (size // 17 + 1)
    clock = ManualClock()
    field = sign(SignedMessage(octets), domain=DOMAIN, selector="s", key=rsa_key(), timestamp=clock.now_us() // 10**6)
    monkeypatch.setattr(dkim_message, "relaxed_body", watched)
    found = await authentication(Metrics()).look(CLIENT, field + octets)
    assert [each.result for each in found.results.dkim] == [AuthResult.PASS]
    assert hashing == {size == 100}
