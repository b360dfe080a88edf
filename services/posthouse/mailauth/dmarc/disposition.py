"""What we do with a message that fails DMARC: a pure function of what was found out and what the receiver wants.

RFC 9989 §5.4, §7.4 and §8: a receiver must not reject for p=reject alone; without other knowledge it treats such mail
as p=quarantine. So `reject` comes out only if the receiver honours it *and* something else speaks against the message.
p=none changes nothing; temperror is no failure. Each deviation from the owner's wish is named, and each name has a
reason type of RFC 9990 for the report.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from posthouse.mailauth.authres.parse import AuthresSyntaxError, parse
from posthouse.mailauth.domains import a_labels, is_within
from posthouse.model.authentication import AuthenticationResults, AuthResult, DmarcPolicy


class Override(StrEnum):
    """Why the owner's policy was not followed. The texts stand in AuthenticationResults.overrides."""

    TRUSTED_ARC_SEALER = "trusted-arc-sealer"
    KNOWN_LIST = "known-list"
    REJECT_ALONE = "reject-alone"
    """p=reject, and nothing else against the message (RFC 9989 §7.4)."""
    REJECT_NOT_HONOURED = "reject-not-honoured"
    QUARANTINE_NOT_HONOURED = "quarantine-not-honoured"
    ALLOWED = "allowed"
    """The sender stands on an allow list and proved itself."""
    TESTING = "testing"
    """The owner asks for one level less (t=y); no deviation of ours, but reports name it."""


REPORTED_AS = {
    Override.TRUSTED_ARC_SEALER: "trusted_forwarder",
    Override.KNOWN_LIST: "mailing_list",
    Override.REJECT_ALONE: "local_policy",
    Override.REJECT_NOT_HONOURED: "local_policy",
    Override.QUARANTINE_NOT_HONOURED: "local_policy",
    Override.ALLOWED: "local_policy",
    Override.TESTING: "policy_test_mode",
}
"""PolicyOverrideType of RFC 9990."""


@dataclass(frozen=True, slots=True)
class ReceiverPolicy:
    """Of a platform or tenant."""

    honour_quarantine: bool = True
    honour_reject: bool = True
    """Reject what the owner wants rejected, when something else is against it too; False = quarantine it."""
    trusted_sealers: frozenset[str] = frozenset()
    """Domains, as A-labels, whose ARC seals are believed; what lies below them is too."""
    known_lists: frozenset[str] = frozenset()
    """Domains, as A-labels, of list servers: a pass of SPF or DKIM in their name lets them resend for others."""


@dataclass(frozen=True, slots=True)
class Disposition:
    action: DmarcPolicy
    overrides: tuple[Override, ...] = ()

    @property
    def reported(self) -> tuple[str, ...]:
        """The reason types for an aggregate report, each once."""
        return tuple(dict.fromkeys(REPORTED_AS[override] for override in self.overrides))


NOTHING = Disposition(DmarcPolicy.NONE)


def decide(found: AuthenticationResults, receiver: ReceiverPolicy, *, corroborated: bool) -> Disposition:
    """`corroborated`: something other than DMARC speaks against the message (a spam verdict, a listed address, a claim
    to be from one of our own domains): the "other knowledge and analysis" of RFC 9989 §7.4."""
    dmarc = found.dmarc
    if dmarc is None or dmarc.result is not AuthResult.FAIL:
        return NOTHING
    testing = (Override.TESTING,) if dmarc.testing else ()
    if dmarc.policy is DmarcPolicy.NONE:
        return Disposition(DmarcPolicy.NONE, testing)
    if _vouched_for(found, receiver):
        return Disposition(DmarcPolicy.NONE, (*testing, Override.TRUSTED_ARC_SEALER))
    if _from_known_list(found, receiver):
        return Disposition(DmarcPolicy.NONE, (*testing, Override.KNOWN_LIST))
    overrides = list(testing)
    if dmarc.policy is DmarcPolicy.REJECT:
        if receiver.honour_reject and corroborated:
            return Disposition(DmarcPolicy.REJECT, tuple(overrides))
        overrides.append(Override.REJECT_ALONE if receiver.honour_reject else Override.REJECT_NOT_HONOURED)
    if not receiver.honour_quarantine:
        return Disposition(DmarcPolicy.NONE, (*overrides, Override.QUARANTINE_NOT_HONOURED))
    return Disposition(DmarcPolicy.QUARANTINE, tuple(overrides))


def _vouched_for(found: AuthenticationResults, receiver: ReceiverPolicy) -> bool:
    """Whether a chain verifies, all its sealers are trusted, and the newest one saw DMARC pass for this author.

    All, since an untrusted hand in between may have written what the next one passed on (RFC 8617 §9.5).
    """
    arc, dmarc = found.arc, found.dmarc
    if arc is None or dmarc is None or arc.result is not AuthResult.PASS or not arc.sealers:
        return False
    if not all(_listed(sealer, receiver.trusted_sealers) for sealer in arc.sealers):
        return False
    try:
        carried = parse(arc.carried)
    except AuthresSyntaxError:
        return False
    return any(
        one.method == "dmarc" and one.result == "pass" and a_labels(one.value("header", "from")) == dmarc.author_domain
        for one in carried.results
    )


def _from_known_list(found: AuthenticationResults, receiver: ReceiverPolicy) -> bool:
    if not receiver.known_lists:
        return False
    names = [one.domain for one in found.dkim if one.result is AuthResult.PASS]
    if found.spf is not None and found.spf.result is AuthResult.PASS:
        names.append(found.spf.domain)
    return any(_listed(name, receiver.known_lists) for name in names)


def _listed(name: str, domains: frozenset[str]) -> bool:
    return any(is_within(name, domain) for domain in domains)
