"""The two identities that SPF checks: MAIL FROM and HELO (RFC 7208 §2.3, §2.4), and what of them is none at all."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from posthouse.mailauth.domains import a_labels
from posthouse.mailauth.spf.evaluate import Sender, check_host
from posthouse.model.authentication import AuthResult, SpfResult
from posthouse.ports.resolver import Resolver

_NONE_LOCAL = "postmaster"
"""The local part of an identity that has none (RFC 7208 §4.3)."""


async def check_mail_from(
    resolver: Resolver, address: str, mail_from: str, helo: str, *, receiver: str = "unknown", timestamp: int = 0
) -> SpfResult:
    """`address` of the client; `mail_from` as in the envelope, without brackets: empty = postmaster at `helo`.

    `receiver` and `timestamp` (seconds since 1970) are for `%{r}` and `%{t}` of explanations only. Raises nothing but
    ValueError for an address that is none.
    """
    local, _, domain = mail_from.rpartition("@") if mail_from else ("", "", helo)
    return await _check(resolver, address, local, domain, helo, "mfrom", receiver, timestamp)


async def check_helo(
    resolver: Resolver, address: str, helo: str, *, receiver: str = "unknown", timestamp: int = 0
) -> SpfResult:
    """As `check_mail_from`, for the name that the client gave itself."""
    return await _check(resolver, address, "", helo, helo, "helo", receiver, timestamp)


async def _check(
    resolver: Resolver, address: str, local: str, domain: str, helo: str, scope: str, receiver: str, timestamp: int
) -> SpfResult:
    checked = a_labels(domain)
    if checked is None or "." not in checked:
        # Malformed, an address literal, or a single label (RFC 7208 §4.3).
        return SpfResult(AuthResult.NONE, checked or "", scope, reason="not a domain name that could publish a record")
    sender = Sender(
        address=_client(address),
        local=local or _NONE_LOCAL,
        domain=checked,
        helo=checked if helo is domain else a_labels(helo) or helo,
        receiver=receiver,
        timestamp=timestamp,
    )
    outcome = await check_host(resolver, sender)
    return SpfResult(outcome.result, checked, scope, outcome.mechanism, outcome.explanation, outcome.reason)


@lru_cache(maxsize=4096)
def _client(address: str) -> IPv4Address | IPv6Address:
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        return parsed.ipv4_mapped or parsed
    return parsed
