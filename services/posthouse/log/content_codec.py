"""ContentFinding ↔ protobuf, for the records of the road.

A kind that a newer writer knows and this reader does not is read as `other`; what it asks for is done all the same.
"""

from __future__ import annotations

from typing import Final

from posthouse.events.v1 import content_pb2 as pb
from posthouse.model.content import ContentFinding, ContentKind
from posthouse.model.verdict import VerdictKind

_KINDS: Final = {kind.value: kind for kind in ContentKind}
_ASKS: Final = {
    kind.value: kind for kind in (VerdictKind.ACCEPT, VerdictKind.JUNK, VerdictKind.QUARANTINE, VerdictKind.REJECT)
}


def content_to_pb(finding: ContentFinding) -> pb.ContentFinding:
    """ValueError for text that is not representable (a lone surrogate)."""
    return pb.ContentFinding(kind=finding.kind.value, name=finding.name, detail=finding.detail, asks=finding.asks.value)


def content_from_pb(message: pb.ContentFinding) -> ContentFinding:
    # A wish that is not known is not for nothing: the mail is held and somebody looks at it.
    return ContentFinding(
        _KINDS.get(message.kind, ContentKind.OTHER),
        message.name,
        message.detail,
        _ASKS.get(message.asks, VerdictKind.QUARANTINE),
    )
