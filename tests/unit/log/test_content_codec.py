import pytest

from posthouse.events.v1 import content_pb2 as pb
from posthouse.log.content_codec import content_from_pb, content_to_pb
from posthouse.model.content import ContentFinding, ContentKind
from posthouse.model.verdict import VerdictKind


@pytest.mark.parametrize("kind", list(ContentKind))
@pytest.mark.parametrize("asks", [VerdictKind.ACCEPT, VerdictKind.JUNK, VerdictKind.QUARANTINE, VerdictKind.REJECT])
def test_a_finding_survives_the_road(kind: ContentKind, asks: VerdictKind) -> None:
    finding = ContentFinding(kind, "résumé.zip/x.exe", "pe", asks)
    assert content_from_pb(pb.ContentFinding.FromString(content_to_pb(finding).SerializeToString())) == finding


def test_what_a_newer_writer_found_is_not_taken_for_harmless() -> None:
    found = content_from_pb(pb.ContentFinding(kind="hologram", name="x", asks="burn"))
    assert found == ContentFinding(ContentKind.OTHER, "x", "", VerdictKind.QUARANTINE)


def test_what_was_written_yesterday_stays_readable() -> None:
    finding = ContentFinding(ContentKind.VIRUS, "Eicar", "", VerdictKind.REJECT)
    golden = b'\n\x05virus\x12\x05Eicar"\x06reject'
    assert content_to_pb(finding).SerializeToString() == golden
    assert content_from_pb(pb.ContentFinding.FromString(golden)) == finding
