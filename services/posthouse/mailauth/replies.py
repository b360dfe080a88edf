"""What a sender is told whose mail is refused because it was not proved: RFC 7372, and RFC 8617 for ARC.

Pure functions from a result to a MailError with its codes, or None where there is nothing to refuse. Whether to refuse
at all is the policy's to say: nobody should by SPF, DKIM or ARC alone. A temperror gives a 4yz: nothing is known yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from posthouse.mailauth.domains import is_within
from posthouse.model.authentication import (
    ArcResult,
    AuthResult,
    DkimResult,
    DmarcResult,
    IprevResult,
    SpfResult,
)
from posthouse.model.errors import MailError


def spf_refusal(spf: SpfResult) -> MailError | None:
    """X.7.23 for a fail, with what the owner of the domain says, marked as said by him (RFC 7208 §8.4); X.7.24 for an
    error (RFC 7372 §3.2)."""
    name = "HELO" if spf.scope == "helo" else "MAIL FROM"
    if spf.result is AuthResult.FAIL:
        public = f"SPF {name} check failed: {spf.domain} does not send from this address"
        if spf.explanation:
            public += f". {spf.domain} explains: {spf.explanation}"
        return _refusal(spf.result, 23, public, spf.mechanism)
    if spf.result in (AuthResult.TEMPERROR, AuthResult.PERMERROR):
        return _refusal(spf.result, 24, f"SPF {name} check of {spf.domain} ended in an error", spf.reason)
    return None


def dkim_refusal(signatures: Sequence[DkimResult], author_domain: str = "") -> MailError | None:
    """X.7.20: no signature passes. X.7.21: those that verify are not acceptable to us. X.7.22: none of those that pass
    is of `author_domain` or above it, where one is asked for (RFC 7372 §3.1)."""
    results = {signature.result for signature in signatures}
    if AuthResult.PASS in results:
        passing = [each.domain for each in signatures if each.result is AuthResult.PASS]
        if not author_domain or any(is_within(author_domain, domain) for domain in passing):
            return None
        return _refusal(AuthResult.FAIL, 22, f"No valid DKIM signature of {author_domain} found")
    if AuthResult.TEMPERROR in results:
        return _refusal(AuthResult.TEMPERROR, 20, "DKIM signatures cannot be checked now")
    if AuthResult.POLICY in results:
        return _refusal(AuthResult.FAIL, 21, "No acceptable DKIM signature found")
    return _refusal(AuthResult.FAIL, 20, "No passing DKIM signature found")


def iprev_refusal(iprev: IprevResult) -> MailError | None:
    """X.7.25 (RFC 7372 §3.3)."""
    if iprev.result is AuthResult.PASS:
        return None
    return _refusal(iprev.result, 25, f"Reverse DNS validation of {iprev.address} failed")


def arc_refusal(arc: ArcResult) -> MailError | None:
    """X.7.29 (RFC 8617 §5.2.2)."""
    if arc.result not in (AuthResult.FAIL, AuthResult.TEMPERROR):
        return None
    return _refusal(arc.result, 29, "ARC validation failed", arc.reason)


def dmarc_refusal(dmarc: DmarcResult) -> MailError | None:
    """X.7.26 (RFC 7372 §3.4): neither SPF nor DKIM speaks for the author's domain."""
    if dmarc.result not in (AuthResult.FAIL, AuthResult.TEMPERROR):
        return None
    public = f"Neither SPF nor DKIM proves that this message is from {dmarc.author_domain}, as its DMARC policy asks"
    return _refusal(dmarc.result, 26, public, dmarc.reason)


def refusal_of(refusals: Iterable[MailError | None]) -> MailError | None:
    """One reply for several checks that each were required: X.7.26 where more than one failed (RFC 7372 §3.4).

    Temporary if one of them is: once that is known, the whole may look otherwise.
    """
    failed = [refusal for refusal in refusals if refusal is not None]
    if len(failed) < 2:
        return failed[0] if failed else None
    result = AuthResult.TEMPERROR if any(refusal.temporary for refusal in failed) else AuthResult.FAIL
    return _refusal(result, 26, "Multiple authentication checks failed", "; ".join(map(str, failed)))


def _refusal(result: AuthResult, detail: int, public: str, reason: str = "") -> MailError:
    temporary = result is AuthResult.TEMPERROR
    code, enhanced = (451, f"4.7.{detail}") if temporary else (550, f"5.7.{detail}")
    return MailError(reason, public=public, code=code, enhanced=enhanced)
