"""The shared sections are well declared and check themselves."""

import re
from pathlib import Path

import pytest

import posthouse
from posthouse.runtime.sections import SHARED, LifecycleSettings
from posthouse.runtime.settings import Schema
from posthouse.runtime.settings_load import check, load
from posthouse.runtime.settings_reference import render_reference
from posthouse.runtime.settings_values import from_text, to_text

SCHEMA = Schema(SHARED)


def test_defaults_are_accepted_by_their_own_rules() -> None:
    for key in SCHEMA.all_keys():
        if key.default is None:
            assert key.optional
            continue
        text = to_text(key.kind, key.default)
        again = from_text(key.kind, text, key.choices)
        assert again == key.default, key.path
        if isinstance(again, int | float) and not isinstance(again, bool):
            assert key.doc.least is None or again >= key.doc.least, key.path
            assert key.doc.most is None or again <= key.doc.most, key.path


def test_the_drain_fits_into_kubernetes_grace() -> None:
    lifecycle = load(SCHEMA).section(LifecycleSettings)
    assert lifecycle.drain + lifecycle.stop < 30


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["tls.cert=/x"], "[tls] cert and key"),
        (["kafka.security=sasl_tls"], "[kafka] security is sasl_tls"),
        (["kafka.bootstrap=a"], "[kafka] bootstrap has 'a'"),
        (["kafka.bootstrap="], "[kafka] bootstrap names no broker"),
        (["cassandra.username=u"], "[cassandra] username and password"),
        (["cassandra.hosts="], "[cassandra] hosts names no node"),
        (["s3.endpoint=http://127.0.0.1:9000"], "[s3] endpoint is plain HTTP"),
        (["telemetry.otlp_endpoint=127.0.0.1:4318"], "[telemetry] otlp_endpoint is"),
        (["dns.upstreams=dns.example"], "[dns] upstreams has 'dns.example' is no IP address"),
        (["dns.upstreams=192.0.2.1#dns.example"], "[dns] upstreams has '192.0.2.1#dns.example'"),
        (["dns.tls=true"], "[dns] tls is set, which needs upstreams"),
        (["dns.validating=true"], "[dns] validating is set, which needs upstreams"),
        (["dns.validating=true", "dns.upstreams=127.0.0.1,10.0.0.1"], "[dns] validating is set, but 10.0.0.1:53 is"),
        (["dns.timeout=6"], "[dns] timeout is longer than deadline"),
        (["dns.min_ttl=60", "dns.negative_ttl=30"], "[dns] min_ttl is longer than"),
    ],
)
def test_fields_are_checked_together(overrides: list[str], expected: str) -> None:
    [problem] = check(SCHEMA, None, {}, overrides)
    assert str(problem).startswith(expected)


@pytest.mark.parametrize("upstream", ["127.0.0.1", "[::1]:5353", "169.254.20.10"])
def test_a_validating_resolver_may_be_close_by(upstream: str) -> None:
    assert check(SCHEMA, None, {}, ["dns.validating=true", f"dns.upstreams={upstream}"]) == []


def test_a_validating_resolver_may_be_far_away_over_tls() -> None:
    assert check(SCHEMA, None, {}, ["dns.validating=true", "dns.tls=true", "dns.upstreams=192.0.2.1#dns.example"]) == []


def test_half_a_pair_of_s3_keys_is_refused() -> None:
    [problem] = check(SCHEMA, None, {"POSTHOUSE_S3_ACCESS_KEY": "x"})
    assert "access_key and secret_key" in str(problem)
    assert check(SCHEMA, None, {"POSTHOUSE_S3_ACCESS_KEY": "x", "POSTHOUSE_S3_SECRET_KEY": "y"}) == []


def test_every_key_is_on_the_reference_page() -> None:
    page = render_reference(SCHEMA)
    for key in SCHEMA.all_keys():
        assert f"| `{key.name}{'_file' if key.is_secret else ''}` |" in page


def test_no_key_is_declared_that_nothing_reads() -> None:
    source = Path(posthouse.__file__).parent
    text = "\n".join(path.read_text() for path in source.rglob("*.py") if path.name != "sections.py")
    read = set(re.findall(r"\.([a-z_]+)\b", text))
    assert [key.path for key in SCHEMA.all_keys() if key.name not in read] == []
