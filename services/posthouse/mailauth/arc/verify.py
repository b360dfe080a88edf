"""A chain judged (RFC 8617 §5.2): `none` (no chain), `pass`, `fail`, and `temperror` when the DNS did not answer.

The newest message signature and every seal must verify. Older message signatures are tried down to the first that does
not: `oldest_pass` is the instance above it, since when the message has not been changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from posthouse.mailauth.arc.chain import ArcSet, ChainError, has_chain, results_of, sets_of
from posthouse.mailauth.dkim.keys import Key, KeyCache, UnusableKey
from posthouse.mailauth.dkim.message import SignedMessage
from posthouse.mailauth.dkim.policy import DEFAULT, DkimPolicy
from posthouse.mailauth.dkim.signature import OBSOLETE, SignatureError, parse
from posthouse.mailauth.dkim.verify import judge, untimely
from posthouse.model.authentication import ArcResult, AuthResult
from posthouse.ports.resolver import DnsTemporary, Resolver


async def verify(
    message: SignedMessage,
    resolver: Resolver,
    now: float,
    *,
    policy: DkimPolicy = DEFAULT,
    keys: KeyCache | None = None,
) -> ArcResult:
    """`now` in seconds since 1970. Never raises."""
    if not has_chain(message):
        return ArcResult(AuthResult.NONE)
    try:
        chain = sets_of(message)
    except ChainError as e:
        return ArcResult(AuthResult.FAIL, reason=str(e))
    newest = chain[-1]
    result, reason, oldest_pass = AuthResult.PASS, _cut(chain), 0
    if reason:
        result = AuthResult.FAIL
    else:
        judge_chain = _ChainJudge(message, resolver, now, policy, KeyCache() if keys is None else keys)
        try:
            reason = await judge_chain.signature(newest)
            for link in reversed(chain):
                reason = reason or await judge_chain.seal(chain[: link.instance])
            result = AuthResult.FAIL if reason else AuthResult.PASS
            if not reason:
                oldest_pass = await judge_chain.oldest_pass(chain)
        except DnsTemporary:
            result, reason = AuthResult.TEMPERROR, "key look-up failed"
    return ArcResult(
        result,
        instances=len(chain),
        oldest_pass=oldest_pass,
        sealers=tuple(link.seal.domain for link in reversed(chain)),
        carried=results_of(message, newest.results),
        reason=reason,
    )


def _cut(chain: Sequence[ArcSet]) -> str:
    """Why the seals' own words make it no chain (RFC 8617 §5.2 steps 2 and 3); empty when they do not."""
    if chain[-1].seal.validation == "fail":
        return "the newest sealer found the chain broken"
    for link in chain:
        if link.seal.validation != ("none" if link.instance == 1 else "pass"):
            return f"seal of i={link.instance} says cv={link.seal.validation}"
    return ""


class _ChainJudge:
    """What is asked of one message's chain. The methods say why something does not verify; empty = it does."""

    __slots__ = ("_keys", "_message", "_now", "_policy", "_resolver")

    def __init__(
        self, message: SignedMessage, resolver: Resolver, now: float, policy: DkimPolicy, keys: KeyCache
    ) -> None:
        self._message = message
        self._resolver = resolver
        self._now = now
        self._policy = policy
        self._keys = keys

    async def signature(self, link: ArcSet) -> str:
        """DnsTemporary."""
        try:
            signature = parse(link.signature_tags, arc=True)
            early = untimely(signature, self._now, self._policy)
            if early is not None:
                return f"i={link.instance}: {early.reason}"
            key = await self._key(signature.key_name)
        except (SignatureError, UnusableKey) as e:
            return f"i={link.instance}: {e}"
        judgement = judge(self._message, link.signature, signature, key, self._policy)
        return "" if judgement.result is AuthResult.PASS else f"i={link.instance}: {judgement.reason}"

    async def seal(self, chain: Sequence[ArcSet]) -> str:
        """The last seal of `chain`, which covers all of it (RFC 8617 §5.1.1). DnsTemporary."""
        seal, instance = chain[-1].seal, chain[-1].instance
        if seal.algorithm in OBSOLETE:
            return f"seal of i={instance}: {seal.algorithm} is obsolete"
        try:
            key = await self._key(seal.key_name)
        except UnusableKey as e:
            return f"seal of i={instance}: {e}"
        rsa = seal.algorithm.startswith("rsa-")
        if not key.fits(seal.algorithm):
            return f"seal of i={instance}: key is not for this algorithm"
        if rsa and not self._policy.min_rsa_bits <= key.bits <= self._policy.max_rsa_bits:
            return f"seal of i={instance}: key of {key.bits} bits"
        octets = sealed_octets(self._message, chain)
        if not key.verifies(seal.value, octets, b"" if rsa else hashlib.sha256(octets).digest()):
            return f"seal of i={instance} does not fit"
        return ""

    async def oldest_pass(self, chain: Sequence[ArcSet]) -> int:
        """0 when all message signatures verify, else the instance above the first that does not. DnsTemporary."""
        for link in reversed(chain[:-1]):
            if await self.signature(link):
                return link.instance + 1
        return 0

    async def _key(self, name: str) -> Key:
        return self._keys.choose((await self._resolver.lookup(name, "TXT")).records)


def sealed_octets(message: SignedMessage, chain: Sequence[ArcSet]) -> bytes:
    """What the seal of the last set signs: results, message signature and seal of each set, relaxed, the last seal
    without its b= and without CRLF (RFC 8617 §5.1.1)."""
    parts: list[bytes] = []
    for link in chain:
        parts.append(message.canonical_field(link.results, "relaxed"))
        parts.append(message.canonical_field(link.signature, "relaxed"))
        if link is chain[-1]:
            parts.append(message.unsigned_form(link.seal_place, "relaxed"))
        else:
            parts.append(message.canonical_field(link.seal_place, "relaxed"))
    return b"".join(parts)
