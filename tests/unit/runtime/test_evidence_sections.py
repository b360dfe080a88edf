import pytest

from posthouse.runtime.evidence_sections import EVIDENCE, DnsListSettings
from posthouse.runtime.settings import Schema, SettingsError
from posthouse.runtime.settings_load import load


def test_nobody_is_asked_by_default() -> None:
    assert load(Schema(EVIDENCE)).section(DnsListSettings).lists == ()


def test_entries_that_cannot_be_read_are_problems_at_start() -> None:
    good = load(Schema(EVIDENCE), overrides=["dnslists.lists=a.example ip 127.0.0.2=4:a,b.example uri 127.0.0.2=1"])
    assert len(good.section(DnsListSettings).lists) == 2
    with pytest.raises(SettingsError) as e:
        load(Schema(EVIDENCE), overrides=["dnslists.lists=a.example mail 127.0.0.2=4"])
    assert "expected one or more of ip, domain, uri" in str(e.value.problems)
