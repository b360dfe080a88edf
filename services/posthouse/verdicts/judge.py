"""From evidence to a verdict, for one recipient: pure, so that `mx` before the 250 and `filter` after it judge alike,
and a verdict can be explained later from what was kept.

The rules, the strongest answer wins unless an allow list speaks:

    a login            is not judged as a stranger; what looks like spam is held, never put into somebody's Junk
    a block list       refuses; the account's own puts into Junk, since nobody else should lose the mail by it
    an allow list      accepts what proved itself
    DMARC              a failing author whose domain asks for quarantine or reject, as the policy says; reject only
                       where something else speaks against the message too (RFC 9989 §7.4)
    our own names      an author of our domains without an aligned proof is at least junk
    the score          against the thresholds; the model's own where no level set one
    postmaster, abuse  are never refused or held for content (RFC 5321 §4.5.1, RFC 2142)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from posthouse.mailauth.dmarc.disposition import NOTHING, Disposition, Override, ReceiverPolicy, decide
from posthouse.model.authentication import AuthenticationResults, AuthResult, DmarcPolicy
from posthouse.model.filter_policy import Claimant, EffectivePolicy, listed
from posthouse.model.verdict import ACCEPT, Verdict, VerdictKind

_ORDER: Final = {
    kind: rank
    for rank, kind in enumerate(
        (VerdictKind.ACCEPT, VerdictKind.TAG, VerdictKind.JUNK, VerdictKind.QUARANTINE, VerdictKind.REJECT)
    )
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a message when it is judged."""

    claimant: Claimant
    login: bool = False
    """It came with a login of the platform."""
    results: AuthenticationResults | None = None
    """None = nobody looked (a trusted network, authentication switched off)."""
    author_is_ours: bool = False
    """RFC5322.From names a domain of the platform."""
    score: float | None = None
    """Log-odds of spam; None = not scored."""
    threshold: float = 0.0
    """From which on the model that scored it calls it spam."""
    reasons: tuple[str, ...] = ()
    """What the score is made of, the weightiest first."""


@dataclass(frozen=True, slots=True)
class Judgement:
    verdict: Verdict
    dmarc: Disposition
    """What came of the author's DMARC policy, for the aggregate counters."""

    @property
    def overrides(self) -> tuple[str, ...]:
        """Why the wish of the author's domain was not followed, each by name."""
        return tuple(str(override) for override in self.dmarc.overrides)


def judge(evidence: Evidence, policy: EffectivePolicy, *, local_part: str = "") -> Judgement:
    """`local_part` of the recipient, lower case."""
    score = evidence.score if evidence.score is not None else 0.0
    if evidence.login:
        kind = by_score(evidence, policy)
        if kind is VerdictKind.ACCEPT:
            return Judgement(Verdict(kind, score, evidence.reasons), NOTHING)
        return Judgement(Verdict(VerdictKind.QUARANTINE, score, ("spam-from-login", *evidence.reasons)), NOTHING)
    known = listed(policy, evidence.claimant)
    if known is not None and known[0] == "allow":
        disposition = dmarc_disposition(evidence, policy, corroborated=False)
        if disposition.action is not DmarcPolicy.NONE:
            disposition = Disposition(DmarcPolicy.NONE, (*disposition.overrides, Override.ALLOWED))
        return Judgement(Verdict(VerdictKind.ACCEPT, score, (f"allowed-by-{known[1]}",)), disposition)
    verdict, disposition = _judge_stranger(evidence, policy, score, known)
    if local_part in ("postmaster", "abuse") and _ORDER[verdict.kind] > _ORDER[VerdictKind.JUNK]:
        verdict = Verdict(VerdictKind.JUNK, verdict.score, verdict.reasons)
    return Judgement(verdict, disposition)


def _judge_stranger(
    evidence: Evidence, policy: EffectivePolicy, score: float, known: tuple[str, str, str] | None
) -> tuple[Verdict, Disposition]:
    found: list[tuple[VerdictKind, str]] = []
    if known is not None:
        kind = VerdictKind.JUNK if known[1] == "account" else VerdictKind.REJECT
        found.append((kind, f"blocked-by-{known[1]}"))
    if _our_name_unproved(evidence):
        found.append((VerdictKind.JUNK, "our-domain-unproved"))
    kind = by_score(evidence, policy)
    if kind is not VerdictKind.ACCEPT:
        found.append((kind, "score"))
    disposition = dmarc_disposition(evidence, policy, corroborated=bool(found))
    if disposition.action is not DmarcPolicy.NONE:
        kind = VerdictKind.REJECT if disposition.action is DmarcPolicy.REJECT else VerdictKind.JUNK
        found.insert(0, (kind, f"dmarc-{disposition.action.value}"))
    if not found:
        verdict = ACCEPT if evidence.score is None else Verdict(VerdictKind.ACCEPT, score, evidence.reasons)
        return verdict, disposition
    strongest = max(found, key=lambda each: _ORDER[each[0]])[0]
    named = tuple(reason for _, reason in found if reason != "score")
    return Verdict(strongest, score, (*named, *evidence.reasons)), disposition


def _our_name_unproved(evidence: Evidence) -> bool:
    dmarc = evidence.results.dmarc if evidence.results is not None else None
    if dmarc is None or dmarc.result is AuthResult.TEMPERROR:
        return False
    return evidence.author_is_ours and not (dmarc.spf_aligned or dmarc.dkim_aligned)


def dmarc_disposition(evidence: Evidence, policy: EffectivePolicy, *, corroborated: bool) -> Disposition:
    """What DMARC alone asks for, with the named reasons why its owner's wish was not followed."""
    if evidence.results is None:
        return NOTHING
    receiver = ReceiverPolicy(
        honour_quarantine=policy.dmarc != "ignore",
        honour_reject=policy.dmarc == "follow",
        trusted_sealers=policy.arc_sealers,
        known_lists=policy.known_lists,
    )
    return decide(evidence.results, receiver, corroborated=corroborated)


def by_score(evidence: Evidence, policy: EffectivePolicy) -> VerdictKind:
    """What the score alone asks for."""
    score = evidence.score
    if score is None:
        return VerdictKind.ACCEPT
    if policy.reject is not None and score >= policy.reject:
        return VerdictKind.REJECT
    if policy.quarantine is not None and score >= policy.quarantine:
        return VerdictKind.QUARANTINE
    if score >= (policy.junk if policy.junk is not None else evidence.threshold):
        return VerdictKind.JUNK
    return VerdictKind.ACCEPT


def refused_by_all(verdicts: list[Verdict]) -> bool:
    """One reply to DATA serves all recipients: it may refuse only what each of them would refuse."""
    return bool(verdicts) and all(verdict.kind is VerdictKind.REJECT for verdict in verdicts)
