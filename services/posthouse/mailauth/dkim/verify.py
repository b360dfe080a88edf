"""Signatures judged (RFC 6376 §6).

Result words (RFC 8601 §2.7.1): `pass`; `fail` = the message is not what was signed, or the signature has expired;
`policy` = it may be right, but we do not take it (obsolete algorithm, weak or huge key, unsigned rest of the body,
time in the future, too many signatures); `permerror` = it cannot be judged (syntax, no key, key does not fit);
`temperror` = the DNS did not answer; no signature at all = one result `none`.

Work per message is bounded by DkimPolicy.max_signatures. The ones of the author's own domain are judged first, so that
foreign signatures can neither crowd them out nor spend the time that their keys need; results stand in the order of the
header, the rest is one `policy` result.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

from posthouse.mailauth.dkim.keys import Key, KeyCache, UnusableKey
from posthouse.mailauth.dkim.message import SignedMessage
from posthouse.mailauth.dkim.policy import DEFAULT, DkimPolicy
from posthouse.mailauth.dkim.signature import OBSOLETE, Signature, SignatureError, parse, read
from posthouse.mailauth.domains import a_labels
from posthouse.model.authentication import AuthResult, DkimResult
from posthouse.ports.resolver import DnsTemporary, Resolver


class Judgement(NamedTuple):
    result: AuthResult
    reason: str = ""
    partial_body: bool = False


async def verify(
    message: SignedMessage,
    resolver: Resolver,
    now: float,
    *,
    policy: DkimPolicy = DEFAULT,
    keys: KeyCache | None = None,
    author_domains: tuple[str, ...] = (),
) -> tuple[DkimResult, ...]:
    """One result per signature, from the top of the header down. `now` in seconds since 1970; never raises.

    `author_domains` (A-labels) say which signatures are judged first.
    """
    places = message.by_name.get(b"dkim-signature", [])
    if not places:
        return (DkimResult(AuthResult.NONE, reason="no signature"),)
    if b"from" not in message.by_name:
        return (DkimResult(AuthResult.PERMERROR, reason="no From field"),)
    keys = KeyCache() if keys is None else keys
    chosen = _authors_first(message, places, author_domains)[: policy.max_signatures]
    judged = {place: await _verify_one(message, place, resolver, now, policy, keys) for place in chosen}
    results = [judged[place] for place in sorted(chosen)]
    if len(chosen) < len(places):
        left = len(places) - len(chosen)
        results.append(DkimResult(AuthResult.POLICY, reason=f"{left} more signatures not looked at"))
    return tuple(results)


def _authors_first(message: SignedMessage, places: list[int], author_domains: tuple[str, ...]) -> list[int]:
    if len(places) == 1:
        return places
    wanted = [domain.encode() for domain in author_domains]

    def foreign(place: int) -> bool:
        # Looked at as octets: to parse hundreds of fields to choose a few would be the attack.
        value = message.fields[place].value.lower()
        return not any(domain in value for domain in wanted)

    return sorted(places, key=foreign)


async def _verify_one(
    message: SignedMessage, place: int, resolver: Resolver, now: float, policy: DkimPolicy, keys: KeyCache
) -> DkimResult:
    tags: dict[str, str] = {}
    try:
        tags = read(message.fields[place].value)
        signature = parse(tags)
    except SignatureError as e:
        return DkimResult(AuthResult.PERMERROR, domain=_shown(tags, "d"), selector=_shown(tags, "s"), reason=str(e))
    key: Key | None = None
    early = untimely(signature, now, policy)
    if early is None:
        try:
            answer = await resolver.lookup(signature.key_name, "TXT")
            key = keys.choose(answer.records)
        except DnsTemporary:
            early = Judgement(AuthResult.TEMPERROR, "key look-up failed")
        except UnusableKey as e:
            early = Judgement(AuthResult.PERMERROR, str(e))
    judgement = judge(message, place, signature, key, policy) if key is not None else early
    assert judgement is not None  # a key, or why there is none
    return DkimResult(
        judgement.result,
        domain=signature.domain,
        selector=signature.selector,
        identity=signature.identity,
        algorithm=signature.algorithm,
        key_bits=key.bits if key is not None else 0,
        testing=key is not None and key.testing,
        partial_body=judgement.partial_body,
        signature_start=signature.start,
        reason=judgement.reason,
    )


def untimely(signature: Signature, now: float, policy: DkimPolicy) -> Judgement | None:
    """What is known before the key is: RFC 8301 §3.1, RFC 6376 §3.5 for t= and x=."""
    if signature.algorithm in OBSOLETE:
        return Judgement(AuthResult.POLICY, f"{signature.algorithm} is obsolete")
    if signature.expires is not None and signature.expires + policy.clock_skew < now:
        return Judgement(AuthResult.FAIL, "signature expired")
    if signature.timestamp is not None and signature.timestamp - policy.clock_skew > now:
        return Judgement(AuthResult.POLICY, "signature from the future")
    return None


def judge(message: SignedMessage, place: int, signature: Signature, key: Key, policy: DkimPolicy) -> Judgement:
    """The signature in the field at `place` by its key."""
    if not key.fits(signature.algorithm):
        return Judgement(AuthResult.PERMERROR, "key is not for this algorithm")
    if key.strict and signature.identity_domain != signature.domain:
        return Judgement(AuthResult.PERMERROR, "the key wants i= to be d= itself")
    rsa = signature.algorithm.startswith("rsa-")
    if rsa and key.bits < policy.min_rsa_bits:
        return Judgement(AuthResult.POLICY, f"key of {key.bits} bits")
    if rsa and key.bits > policy.max_rsa_bits:
        return Judgement(AuthResult.POLICY, f"key of {key.bits} bits")
    length = signature.length
    size = len(message.body(signature.body_form)) if length is not None else 0
    if length is not None and length > size:
        return Judgement(AuthResult.FAIL, "body is shorter than l=")
    partial = length is not None and length < size
    if not hmac.compare_digest(
        message.body_hash(signature.body_form, length if partial else None), signature.body_hash
    ):
        return Judgement(AuthResult.FAIL, "body was changed", partial)
    octets = signed_octets(message, place, signature)
    if not key.verifies(signature.value, octets, b"" if rsa else hashlib.sha256(octets).digest()):
        return Judgement(AuthResult.FAIL, "signature does not fit", partial)
    if partial and not policy.accept_partial_body:
        return Judgement(AuthResult.POLICY, f"l= leaves {size - (length or 0)} octets unsigned", partial)
    weak = rsa and key.bits < policy.weak_rsa_bits
    return Judgement(AuthResult.PASS, f"weak key of {key.bits} bits" if weak else "", partial)


def signed_octets(message: SignedMessage, place: int, signature: Signature) -> bytes:
    """What b= signs: the chosen fields, then the signature field itself without b= and without CRLF (RFC 6376 §3.7)."""
    chosen = message.signed_fields(signature.signed_names, signature.header_form, but=place)
    chosen.append(message.unsigned_form(place, signature.header_form))
    return b"".join(chosen)


def _shown(tags: dict[str, str], name: str) -> str:
    """A tag of a signature that is none, only if it can stand in a result."""
    text = tags.get(name, "").lower()
    return text if text and a_labels(text) == text else ""
