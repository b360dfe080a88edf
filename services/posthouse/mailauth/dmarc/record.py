"""Policy records (RFC 9989 §4.7, §4.8), read as the RFC wants it: strict about `v=DMARC1`, forgiving behind it.

Unknown tags are passed over, broken values give way to defaults. What a broken or absent p=, sp= or np= means is in
`PolicyRecord.usable` (RFC 9989 §4.10.1).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from posthouse.model.authentication import DmarcPolicy

MAX_RECORD = 8_192
"""Characters of a record that are read."""
MAX_URIS = 20

_VERSION = re.compile(r"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_SPACE = " \t"
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s,!]+")
_MAILTO = re.compile(r"[^@\s]+@[^@\s]+")
_POLICIES = {policy.value: policy for policy in DmarcPolicy}


@dataclass(frozen=True, slots=True)
class PolicyRecord:
    text: str
    policy: DmarcPolicy | None
    """p=; None = absent or broken."""
    subdomains: DmarcPolicy | None
    """sp=; None = absent."""
    nonexistent: DmarcPolicy | None
    """np=; None = absent."""
    broken: bool
    """p= is absent or broken, or sp= or np= is broken."""
    strict_dkim: bool
    """adkim=s."""
    strict_spf: bool
    """aspf=s."""
    psd: str
    """`y`, `n` or `u`."""
    testing: bool
    """t=y."""
    failure_options: str
    """fo=."""
    rua: tuple[str, ...]
    """Where aggregate reports go: syntactically valid URIs only, the size limits of RFC 7489 cut off."""
    ruf: tuple[str, ...]

    @property
    def usable(self) -> bool:
        """False: no DMARC for this message (RFC 9989 §4.10.1)."""
        return not self.broken or bool(self.rua)

    def applicable(self, *, own: bool, exists: bool) -> DmarcPolicy:
        """What the owner asks for: `own` = the record stands at the author's domain; `exists` = that domain does."""
        if self.broken or self.policy is None:
            return DmarcPolicy.NONE
        if own:
            return self.policy
        if not exists and self.nonexistent is not None:
            return self.nonexistent
        return self.policy if self.subdomains is None else self.subdomains


def is_policy_record(text: str) -> bool:
    """Whether it is a record of this version at all; what is not does not count (RFC 9989 §4.10 step 2)."""
    return _VERSION.match(text) is not None


def parse(text: str) -> PolicyRecord | None:
    """None when it is no record of this version."""
    if not is_policy_record(text):
        return None
    tags: dict[str, str] = {}
    for spec in text[:MAX_RECORD].split(";")[1:]:
        name, equals, value = spec.partition("=")
        name = name.strip(_SPACE).lower()
        if equals and name not in tags:  # of a tag that comes twice the first counts
            tags[name] = value.strip(_SPACE)
    policy, subdomains, nonexistent = (_POLICIES.get(tags.get(name, "").lower()) for name in ("p", "sp", "np"))
    broken = policy is None or ("sp" in tags and subdomains is None) or ("np" in tags and nonexistent is None)
    psd = tags.get("psd", "u").lower()
    return PolicyRecord(
        text=text,
        policy=policy,
        subdomains=subdomains,
        nonexistent=nonexistent,
        broken=broken,
        strict_dkim=tags.get("adkim", "").lower() == "s",
        strict_spf=tags.get("aspf", "").lower() == "s",
        psd=psd if psd in ("y", "n") else "u",
        testing=tags.get("t", "").lower() == "y",
        failure_options=tags.get("fo", "0"),
        rua=_uris(tags.get("rua", "")),
        ruf=_uris(tags.get("ruf", "")),
    )


def the_one(records: Sequence[str]) -> str | None:
    """The policy record among the TXT records of a name; two of them are none (RFC 9989 §4.10 step 2)."""
    found = [record for record in records if is_policy_record(record)]
    return found[0] if len(found) == 1 else None


def _uris(value: str) -> tuple[str, ...]:
    if not value:
        return ()
    found: list[str] = []
    for text in value.split(",")[:MAX_URIS]:
        uri = text.strip(_SPACE).partition("!")[0]
        if _URI.fullmatch(uri) is None:
            continue
        scheme, _, rest = uri.partition(":")
        if scheme.lower() != "mailto" or _MAILTO.fullmatch(rest) is not None:
            found.append(uri)
    return tuple(found)
