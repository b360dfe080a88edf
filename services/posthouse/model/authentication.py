"""What sender authentication found out about one message: typed evidence, never header text.

The result words are those of RFC 8601 §2.7. `temperror` means that nothing is known yet: it is never read as a failure.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AuthResult(StrEnum):
    NONE = "none"
    PASS = "pass"
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    POLICY = "policy"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class DmarcPolicy(StrEnum):
    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class SpfResult:
    result: AuthResult
    domain: str
    """The domain that was checked, as A-labels in lower case."""
    scope: str = "mfrom"
    """`mfrom` or `helo` (RFC 7208 §2.3, §2.4)."""
    mechanism: str = ""
    """The term that matched, as published."""
    explanation: str = ""
    """What the domain's owner says about a fail (RFC 7208 §6.2): foreign text, US-ASCII."""
    reason: str = ""
    """Ours: why a permerror or temperror."""


@dataclass(frozen=True, slots=True)
class DkimResult:
    """One signature."""

    result: AuthResult
    domain: str = ""
    selector: str = ""
    identity: str = ""
    """i= of the signature, or `@` and the domain."""
    algorithm: str = ""
    key_bits: int = 0
    testing: bool = False
    """The key record says t=y (RFC 6376 §3.6.1)."""
    partial_body: bool = False
    """l= left a part of the body unsigned."""
    signature_start: str = ""
    """The first 8 characters of b=, by which RFC 6008 tells signatures apart."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ArcResult:
    result: AuthResult
    instances: int = 0
    oldest_pass: int = 0
    """arc.oldest-pass (RFC 8617 §5.2); 0 = every message signature of the chain still verifies."""
    sealers: tuple[str, ...] = ()
    """d= of the seals, the newest first."""
    carried: str = ""
    """The newest ARC-Authentication-Results value: foreign text, worth something from a trusted sealer only."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DmarcResult:
    result: AuthResult
    author_domain: str = ""
    """The domain of RFC5322.From."""
    policy_domain: str = ""
    """Where the policy record was found."""
    organizational_domain: str = ""
    policy: DmarcPolicy = DmarcPolicy.NONE
    """What the owner asks for a message that fails (p, sp or np, as it applies; t= already taken into account)."""
    testing: bool = False
    """t=y (RFC 9989)."""
    spf_aligned: bool = False
    dkim_aligned: bool = False
    dkim_domain: str = ""
    """The aligned signature that made it pass."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class IprevResult:
    result: AuthResult
    address: str = ""
    name: str = ""
    """The name that leads back to the address (RFC 8601 §3)."""


@dataclass(frozen=True, slots=True)
class BimiResult:
    """Evidence kept for whoever shows logos; nothing is decided by it."""

    result: AuthResult
    domain: str = ""
    selector: str = "default"
    location: str = ""
    authority: str = ""


@dataclass(frozen=True, slots=True)
class AuthenticationResults:
    """All that was found out about one message. None = not looked at."""

    spf: SpfResult | None = None
    helo: SpfResult | None = None
    dkim: tuple[DkimResult, ...] = ()
    arc: ArcResult | None = None
    dmarc: DmarcResult | None = None
    iprev: IprevResult | None = None
    bimi: BimiResult | None = None
    overrides: tuple[str, ...] = ()
    """Why the policy of a failing domain was not followed, each named (`trusted-arc-sealer`, `known-list`…)."""

    @property
    def domains(self) -> frozenset[str]:
        """The domains that proved themselves, aligned or not: what reputation and allow lists may attach to."""
        proved = {signature.domain for signature in self.dkim if signature.result is AuthResult.PASS}
        if self.spf is not None and self.spf.result is AuthResult.PASS:
            proved.add(self.spf.domain)
        return frozenset(proved)

    @property
    def in_short(self) -> str:
        """`spf=pass dkim=none dmarc=fail`: result words alone, so that it may stand in traces and logs."""
        words = []
        if self.spf is not None:
            words.append(f"spf={self.spf.result.value}")
        if self.dkim:
            passed = any(signature.result is AuthResult.PASS for signature in self.dkim)
            words.append(f"dkim={(AuthResult.PASS if passed else self.dkim[0].result).value}")
        elif words:
            words.append("dkim=none")
        if self.dmarc is not None:
            words.append(f"dmarc={self.dmarc.result.value}")
        if self.arc is not None and self.arc.result is not AuthResult.NONE:
            words.append(f"arc={self.arc.result.value}")
        return " ".join(words)

    @property
    def author_proved(self) -> bool:
        """RFC5322.From belongs to somebody who proved it (DMARC pass)."""
        return self.dmarc is not None and self.dmarc.result is AuthResult.PASS

    def reverse_path_proved(self, domain: str) -> bool:
        """Whether a bounce to `domain`, the domain of the reverse-path in A-labels and lower case, hits the sender and
        not a bystander: SPF passed for it, or a signature of that very domain did."""
        return domain in self.domains
