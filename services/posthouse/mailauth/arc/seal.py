"""A chain made longer (RFC 8617 §5.1), for a relay that changes what it passes on. It stands behind a switch there.

`seal` needs what `verify` found out before the message was changed. A chain that ended, be it because the newest seal
says cv=fail, be it because it has 50 instances, is not sealed again (§5.1.2, §4.2.1).
"""

from __future__ import annotations

from collections.abc import Sequence

from posthouse.mailauth.arc.chain import MAX_INSTANCES, ArcSet, ChainError, has_chain, sets_of
from posthouse.mailauth.dkim.canonical import relaxed_header
from posthouse.mailauth.dkim.message import SignedMessage
from posthouse.mailauth.dkim.sign import (
    OVERSIGNED,
    SIGNED,
    SigningKey,
    algorithm_of,
    arc_tags,
    fold,
    names_to_sign,
    signature_field,
    signature_lines,
)
from posthouse.mailauth.domains import a_labels
from posthouse.model.authentication import ArcResult, AuthResult

_SIGNED = (*SIGNED, "DKIM-Signature")


def seal(
    message: SignedMessage,
    found: ArcResult,
    *,
    results: str,
    domain: str,
    selector: str,
    key: SigningKey,
    timestamp: int,
    oversigned: Sequence[str] = OVERSIGNED,
    signed: Sequence[str] = _SIGNED,
) -> bytes | None:
    """Seal, message signature and results as one block to be put on top; None when the chain has ended.

    `message` as it will be sent; `found` as mailauth.arc.verify judged what came in; `results` the value of our
    Authentication-Results (authserv-id first), arc= included. `timestamp` in seconds. ValueError for what is no name.
    """
    if found.result is AuthResult.TEMPERROR:
        return None  # nothing is known about the chain; a seal would have to lie
    if a_labels(domain) is None or a_labels(selector) is None:
        raise ValueError("domain or selector is no name")
    chain: list[ArcSet] = []
    broken = found.result is AuthResult.FAIL
    if has_chain(message):
        try:
            chain = sets_of(message)
        except ChainError:
            return None  # §5.1.2: sets that make no chain give no instance to go on from
        if chain[-1].seal.validation == "fail" or len(chain) == MAX_INSTANCES:
            return None
    instance = len(chain) + 1
    validation = "fail" if broken else "pass" if chain else "none"
    results_field = f"ARC-Authentication-Results: i={instance}; {results}".encode() + b"\r\n"
    signature = signature_field(
        message,
        "ARC-Message-Signature",
        arc_tags(key, instance, domain, selector, timestamp),
        names_to_sign(message, oversigned, signed),
        key,
        "relaxed",
        "relaxed",
    )
    tags = [
        f"i={instance}",
        f"a={algorithm_of(key)}",
        f"cv={validation}",
        f"d={a_labels(domain)}",
        f"s={a_labels(selector)}",
        f"t={timestamp}",
    ]
    unsigned = fold("ARC-Seal: ", [f"{tag}; " for tag in tags]).encode() + b";\r\n b="
    parts: list[bytes] = []
    if not broken:  # §5.1.2: a seal with cv=fail covers its own set only
        for link in chain:
            parts += [
                message.canonical_field(place, "relaxed") for place in (link.results, link.signature, link.seal_place)
            ]
    parts += [_relaxed(results_field) + b"\r\n", _relaxed(signature) + b"\r\n", _relaxed(unsigned)]
    return unsigned + signature_lines(key, b"".join(parts)) + b"\r\n" + signature + results_field


def _relaxed(field: bytes) -> bytes:
    name, _, value = field.partition(b":")
    return relaxed_header(name.lower(), value)
