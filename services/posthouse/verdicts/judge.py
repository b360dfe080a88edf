"""From evidence to a verdict, for one recipient: pure, so that `mx` before the 250 and `filter` after it judge alike,
and a verdict can be explained later from what was kept.

The rules, the strongest answer wins unless an allow list speaks:

    a login            is not judged as a stranger; what looks like spam is held, never put into somebody's Junk
    a block list       refuses; the account's own puts into Junk, since nobody else should lose the mail by it
    the content        a virus and an archive bomb as the policy says, whoever sent them; other attachments too, but
                       not against an allow list
    an allow list      accepts what proved itself
    DMARC              a failing author whose domain asks for quarantine or reject, as the policy says; reject only
                       where something else speaks against the message too (RFC 9989 §7.4)
    our own names      an author of our domains without an aligned proof is at least junk
    own rules          the administrator's verdicts; one that accepts takes away what the score alone would do
    the score          against the thresholds; the model's own where no level set one
    postmaster, abuse  are never refused or held for content (RFC 5321 §4.5.1, RFC 2142)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from posthouse.mailauth.dmarc.disposition import NOTHING, Disposition, Override, ReceiverPolicy, decide
from posthouse.model.authentication import AuthenticationResults, AuthResult, DmarcPolicy
from posthouse.model.content import ContentFinding, ContentKind
from posthouse.model.filter_policy import Claimant, EffectivePolicy, listed
from posthouse.model.verdict import ACCEPT, Verdict, VerdictKind

_ORDER: Final = {
    kind: rank
    for rank, kind in enumerate(
        (VerdictKind.ACCEPT, VerdictKind.TAG, VerdictKind.JUNK, VerdictKind.QUARANTINE, VerdictKind.REJECT)
    )
}

UNYIELDING: Final = frozenset((ContentKind.VIRUS, ContentKind.BOMB))
"""What no allow list lets pass: senders that proved themselves are infected like others."""


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
    content: tuple[ContentFinding, ...] = ()
    """Viruses and attachments, with what the platform's policy asks for."""
    ruled: tuple[tuple[VerdictKind, str], ...] = ()
    """Verdicts of the administrator's own rules, each with its reason."""


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
    wanted = _by_content(evidence.content)
    if evidence.login:
        held = [each for each in wanted if _ORDER[each[0]] >= _ORDER[VerdictKind.QUARANTINE]]
        if held:
            strongest = max((kind for kind, _ in held), key=_ORDER.__getitem__)
            return Judgement(Verdict(strongest, score, tuple(reason for _, reason in held)), NOTHING)
        kind = _strongest([*evidence.ruled, *_by_score(evidence, policy)])
        ruled = tuple(reason for _, reason in evidence.ruled)
        if _ORDER[kind] < _ORDER[VerdictKind.JUNK]:
            return Judgement(Verdict(kind, score, (*ruled, *evidence.reasons)), NOTHING)
        reasons = ("spam-from-login", *ruled, *evidence.reasons)
        return Judgement(Verdict(VerdictKind.QUARANTINE, score, reasons), NOTHING)
    known = listed(policy, evidence.claimant)
    unyielding = any(each.kind in UNYIELDING and each.asks is not VerdictKind.ACCEPT for each in evidence.content)
    if known is not None and known[0] == "allow" and unyielding:
        known = None
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
    found += _by_content(evidence.content)
    if _our_name_unproved(evidence):
        found.append((VerdictKind.JUNK, "our-domain-unproved"))
    found += [*evidence.ruled, *_by_score(evidence, policy)]
    against = any(_ORDER[kind] >= _ORDER[VerdictKind.JUNK] for kind, _ in found)
    disposition = dmarc_disposition(evidence, policy, corroborated=against)
    if disposition.action is not DmarcPolicy.NONE:
        kind = VerdictKind.REJECT if disposition.action is DmarcPolicy.REJECT else VerdictKind.JUNK
        found.insert(0, (kind, f"dmarc-{disposition.action.value}"))
    if not found:
        silent = evidence.score is None and not evidence.reasons
        verdict = ACCEPT if silent else Verdict(VerdictKind.ACCEPT, score, evidence.reasons)
        return verdict, disposition
    strongest = _strongest(found)
    named = tuple(reason for _, reason in found if reason != "score")
    return Verdict(strongest, score, (*named, *evidence.reasons)), disposition


def _by_score(evidence: Evidence, policy: EffectivePolicy) -> list[tuple[VerdictKind, str]]:
    """Nothing where a rule accepts: whoever wrote it knows this mail better than a score does."""
    kind = by_score(evidence, policy)
    spared = any(ruled is VerdictKind.ACCEPT for ruled, _ in evidence.ruled)
    return [] if spared or kind is VerdictKind.ACCEPT else [(kind, "score")]


def _strongest(found: list[tuple[VerdictKind, str]]) -> VerdictKind:
    return max((kind for kind, _ in found), key=_ORDER.__getitem__, default=VerdictKind.ACCEPT)


def _by_content(findings: tuple[ContentFinding, ...]) -> list[tuple[VerdictKind, str]]:
    """What they ask for, each reason once."""
    return list(dict.fromkeys((each.asks, each.reason) for each in findings if each.asks is not VerdictKind.ACCEPT))


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
