"""What sender authentication says, as log-odds. Silent where nothing was looked at.

A failure is weak evidence (forwarders break SPF, lists break DKIM) and a pass is none: spammers authenticate. What a
pass gives is a name to which reputation can be attached; that is not done here.
"""

from __future__ import annotations

from typing import Final

from posthouse.model.authentication import AuthenticationResults, AuthResult, DmarcPolicy

CAP: Final = 2.5
_DMARC_FAIL: Final = {DmarcPolicy.NONE: 0.3, DmarcPolicy.QUARANTINE: 1.0, DmarcPolicy.REJECT: 1.8}


def identity(evidence: AuthenticationResults | None) -> list[tuple[str, float]]:
    """(name, log-odds) of what speaks; their sum is at most CAP. An override by policy silences it."""
    if evidence is None or evidence.overrides:
        return []
    found: list[tuple[str, float]] = []
    dmarc = evidence.dmarc
    if dmarc is not None and dmarc.result is AuthResult.FAIL:
        found.append(("DMARC_FAIL", 0.1 if dmarc.testing else _DMARC_FAIL[dmarc.policy]))
    spf = evidence.spf
    if spf is not None and spf.result in (AuthResult.FAIL, AuthResult.SOFTFAIL):
        found.append(("SPF_" + spf.result.name, 0.5 if spf.result is AuthResult.FAIL else 0.2))
    broken = any(s.result is AuthResult.FAIL for s in evidence.dkim)
    if broken and not any(s.result is AuthResult.PASS for s in evidence.dkim):
        found.append(("DKIM_FAIL", 0.1))
    if evidence.iprev is not None and evidence.iprev.result is AuthResult.FAIL:
        found.append(("IPREV_FAIL", 0.3))
    total = sum(value for _, value in found)
    if total > CAP:
        found = [(name, value * CAP / total) for name, value in found]
    return found
