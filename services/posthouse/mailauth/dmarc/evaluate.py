"""DMARC for one message (RFC 9989 §5.3): policy discovery, identifier alignment, result.

Only what could align is looked at: an identifier aligns in relaxed mode only if it lies within the author's
organisational domain, so domains of others cost no look-up, and a DNS of theirs that does not answer cannot turn a
fail into a temperror. A temperror of SPF or DKIM counts for the same reason only if it is of an aligned domain.

From with several domains: RFC 9989 leaves it to the receiver. Each is judged, up to author.MAX_AUTHORS; the message
passes if all pass, else the strictest failing policy applies (§11.5). From without a domain is `none`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from posthouse.mailauth.dmarc.record import PolicyRecord
from posthouse.mailauth.dmarc.walk import Policy, Walker
from posthouse.mailauth.domains import is_within
from posthouse.model.authentication import AuthResult, DkimResult, DmarcPolicy, DmarcResult, SpfResult
from posthouse.ports.resolver import DnsTemporary

_SEVERITY = {DmarcPolicy.NONE: 0, DmarcPolicy.QUARANTINE: 1, DmarcPolicy.REJECT: 2}
_COUNT = (AuthResult.PASS, AuthResult.TEMPERROR)
"""Whose domains matter: a signature that fails must not cost a look-up, least of all one that can fail."""
_LOWERED = {DmarcPolicy.REJECT: DmarcPolicy.QUARANTINE, DmarcPolicy.QUARANTINE: DmarcPolicy.NONE}


class Evaluation(NamedTuple):
    result: DmarcResult
    record: PolicyRecord | None = None
    """The record that applied, for the aggregate counters."""


async def evaluate(
    authors: Sequence[str],
    complete: bool,
    spf: SpfResult | None,
    dkim: Sequence[DkimResult],
    walker: Walker,
) -> Evaluation:
    """`authors` and `complete` as author.author_domains gives them; `spf` for the MAIL FROM identity, which is
    postmaster at HELO for the null sender (RFC 9989 §4.4.2). Never raises."""
    if not authors:
        return Evaluation(DmarcResult(AuthResult.NONE, reason="no author domain"))
    found = [await _evaluate_one(author, spf, dkim, walker) for author in authors]
    if len(found) == 1 and complete:
        return found[0]
    reason = f"{len(found)} author domains" if complete else "not all author domains could be judged"
    worst = max(found, key=_badness)
    result = worst.result
    if result.result is AuthResult.PASS and not complete:
        result = replace(result, result=AuthResult.NONE)  # what was not judged may be the forged one
    return Evaluation(replace(result, reason=f"{result.reason}; {reason}" if result.reason else reason), worst.record)


async def discover(authors: Sequence[str], walker: Walker) -> None:
    """Asks what `evaluate` will want to know of the authors' domains, while there is time to ask. Never raises."""
    for author in authors:
        try:
            policy = await walker.policy(author)
            if (
                policy.found is not None
                and policy.found.domain != author
                and policy.found.record.nonexistent is not None
            ):
                await walker.exists(author)
        except DnsTemporary:
            continue  # `evaluate` asks again, and says so if there is still no answer


def _badness(one: Evaluation) -> tuple[int, int]:
    order = (AuthResult.PASS, AuthResult.NONE, AuthResult.TEMPERROR, AuthResult.FAIL)
    return order.index(one.result.result), _SEVERITY[one.result.policy]


async def _evaluate_one(author: str, spf: SpfResult | None, dkim: Sequence[DkimResult], walker: Walker) -> Evaluation:
    try:
        policy = await walker.policy(author)
        if policy.found is None:
            return Evaluation(DmarcResult(AuthResult.NONE, author, reason="no policy record"))
        domain, record = policy.found
        if not record.usable:
            return Evaluation(DmarcResult(AuthResult.NONE, author, domain, reason="policy record is broken"))
        own = domain == author
        exists = own or record.nonexistent is None or await walker.exists(author)
        asked = record.applicable(own=own, exists=exists)
        signers = [one.domain for one in dkim if one.result in _COUNT]
        senders = [spf.domain] if spf is not None and spf.result in _COUNT else []
        aligned_dkim = await _aligned(author, policy, record.strict_dkim, signers, walker)
        aligned_spf = await _aligned(author, policy, record.strict_spf, senders, walker)
    except DnsTemporary:
        return Evaluation(DmarcResult(AuthResult.TEMPERROR, author, reason="policy look-up failed"))
    signer = next((one.domain for one in dkim if one.result is AuthResult.PASS and one.domain in aligned_dkim), "")
    by_spf = spf is not None and spf.result is AuthResult.PASS and spf.domain in aligned_spf
    reason = ""
    if signer or by_spf:
        result = AuthResult.PASS
    elif any(one.result is AuthResult.TEMPERROR and one.domain in aligned_dkim for one in dkim) or (
        spf is not None and spf.result is AuthResult.TEMPERROR and spf.domain in aligned_spf
    ):
        result, reason = AuthResult.TEMPERROR, "SPF or DKIM of the author's domain could not be checked"
    else:
        result = AuthResult.FAIL
    return Evaluation(
        DmarcResult(
            result,
            author_domain=author,
            policy_domain=domain,
            organizational_domain=policy.organizational_domain,
            # RFC 9989 §4.7: t=y asks for one level less.
            policy=_LOWERED.get(asked, asked) if record.testing else asked,
            testing=record.testing,
            spf_aligned=by_spf,
            dkim_aligned=bool(signer),
            dkim_domain=signer,
            reason=reason,
        ),
        record,
    )


async def _aligned(
    author: str, policy: Policy, strict: bool, identifiers: Sequence[str], walker: Walker
) -> frozenset[str]:
    """Those of the identifiers that align with the author's domain (RFC 9989 §4.10.2). DnsTemporary."""
    aligned: set[str] = set()
    for identifier in dict.fromkeys(identifiers):
        if identifier == author:
            aligned.add(identifier)
        elif strict or not identifier or not is_within(identifier, policy.organizational_domain):
            continue
        elif await walker.organizational_domain(identifier) == policy.organizational_domain:
            aligned.add(identifier)
    return frozenset(aligned)
