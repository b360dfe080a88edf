import pytest

from posthouse.ingress.authentication_settings import AUTHENTICATION
from posthouse.ingress.content_settings import ATTACHMENTS, CLAMAV
from posthouse.ingress.parts import limiters
from posthouse.ingress.settings import SMTP, SmtpSettings
from posthouse.mx.settings import MX, MxProcess
from posthouse.runtime.sections import SHARED, LimitsSettings
from posthouse.runtime.settings import Schema, SettingsError, Size
from posthouse.runtime.settings_load import load
from posthouse.submission.settings import SUBMISSION, SubmissionProcess

SCHEMA = Schema((*SHARED, SMTP, MX, AUTHENTICATION, ATTACHMENTS, CLAMAV, SUBMISSION))


def test_the_defaults_of_both_processes_are_valid() -> None:
    settings = load(SCHEMA, None, {}, [])
    assert settings.compose(MxProcess).mx.port == 25
    assert settings.compose(SubmissionProcess).submission.tls_port == 465


@pytest.mark.parametrize(
    ("override", "word"),
    [
        ("smtp.hostname=not a name", "hostname"),
        ("smtp.postmaster_domain=-", "postmaster_domain"),
        ("smtp.proxies=10.0.0.0/99", "proxies"),
        ("smtp.other_hostnames=a..b", "other_hostnames"),
        ("smtp.line=10", "line"),
        ("authentication.trusted_networks=10.0.0.0/99", "trusted_networks"),
    ],
)
def test_problems_are_told(override: str, word: str) -> None:
    with pytest.raises(SettingsError) as e:
        load(SCHEMA, None, {}, [override])
    assert word in str(e.value)


def test_limits_come_from_both_sections() -> None:
    limits = SmtpSettings(rcpts=7).limits(LimitsSettings(message_size=Size(70_000)))
    assert (limits.rcpts, limits.message_size) == (7, 70_000)


def test_hostname_is_the_machines_when_none_is_set() -> None:
    assert SmtpSettings(hostname="MX.Example.org").own_hostname() == "mx.example.org"
    assert SmtpSettings().own_hostname()
    assert SmtpSettings().default_domain() is None


def test_with_proxies_the_cap_per_address_is_behind_the_listener() -> None:
    limits = LimitsSettings(connections=50, connections_per_address=2)
    listener, behind = limiters(SmtpSettings(), limits)
    assert (listener.per_address, behind.per_address) == (2, 2)
    listener, behind = limiters(SmtpSettings(proxies=("10.0.0.0/8",)), limits)
    assert (listener.per_address, behind.per_address) == (50, 2)
