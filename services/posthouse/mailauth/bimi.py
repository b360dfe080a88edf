"""BIMI assertion records, looked up and kept as evidence (draft-brand-indicators-for-message-identification §4.2, §7).

Only for mail that passes DMARC under a policy that is enforced: otherwise anybody could borrow a logo. Nothing is
fetched and nothing is decided here; whether the indicator and its certificate are what they should be is for whoever
shows them.
"""

from __future__ import annotations

from posthouse.mailauth.dkim.tags import TagError, tag_list
from posthouse.model.authentication import AuthResult, BimiResult, DmarcPolicy, DmarcResult
from posthouse.ports.resolver import DnsTemporary, Resolver

SELECTOR = "default"
MAX_URI = 2_048


async def look_up(dmarc: DmarcResult | None, resolver: Resolver) -> BimiResult | None:
    """None when DMARC does not pass with an enforced policy; `none` when no logo is asserted. Never raises."""
    if dmarc is None or dmarc.result is not AuthResult.PASS or dmarc.policy is DmarcPolicy.NONE:
        return None
    for domain in dict.fromkeys((dmarc.author_domain, dmarc.organizational_domain)):
        try:
            answer = await resolver.lookup(f"{SELECTOR}._bimi.{domain}", "TXT")
        except DnsTemporary:
            return BimiResult(AuthResult.TEMPERROR, domain)
        records = [record for record in answer.records if record.lstrip().lower().startswith("v=bimi1")]
        if len(records) == 1:
            return parse(records[0], domain)
        if records:
            return BimiResult(AuthResult.PERMERROR, domain)
    return BimiResult(AuthResult.NONE, dmarc.author_domain)


def parse(record: str, domain: str) -> BimiResult:
    """`pass` = a location is given; `none` = the owner declines to (empty l= and a=); `permerror` = broken."""
    try:
        tags = tag_list(record)
    except TagError:
        return BimiResult(AuthResult.PERMERROR, domain)
    location, authority = tags.get("l", ""), tags.get("a", "")
    if next(iter(tags), "").lower() != "v" or "l" not in tags:
        return BimiResult(AuthResult.PERMERROR, domain)
    if not location and not authority:
        return BimiResult(AuthResult.NONE, domain)
    if not _https(location) or (authority and not _https(authority)):
        return BimiResult(AuthResult.PERMERROR, domain)
    return BimiResult(AuthResult.PASS, domain, location=location, authority=authority)


def _https(uri: str) -> bool:
    return (
        uri.lower().startswith("https://") and len(uri) <= MAX_URI and uri.isascii() and not any(c <= " " for c in uri)
    )
