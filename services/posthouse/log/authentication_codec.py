"""AuthenticationResults ↔ protobuf, for the records of the road.

A word that a newer writer knows and this reader does not is read as `none`: no evidence either way.
"""

from __future__ import annotations

from typing import Any

from posthouse.events.v1 import authentication_pb2 as pb
from posthouse.model.authentication import (
    ArcResult,
    AuthenticationResults,
    AuthResult,
    BimiResult,
    DkimResult,
    DmarcPolicy,
    DmarcResult,
    IprevResult,
    SpfResult,
)

_RESULTS = {result.value: result for result in AuthResult}
_POLICIES = {policy.value: policy for policy in DmarcPolicy}


_Part = SpfResult | DkimResult | ArcResult | DmarcResult | IprevResult | BimiResult


def authentication_to_pb(results: AuthenticationResults | None) -> pb.AuthenticationResults | None:
    """ValueError for text that is not representable (a lone surrogate)."""
    if results is None:
        return None
    # A message has the fields of its dataclass, name by name.
    return pb.AuthenticationResults(
        spf=None if results.spf is None else pb.SpfResult(**_fields(results.spf)),
        helo=None if results.helo is None else pb.SpfResult(**_fields(results.helo)),
        dkim=[pb.DkimResult(**_fields(signature)) for signature in results.dkim],
        arc=None if results.arc is None else pb.ArcResult(**_fields(results.arc)),
        dmarc=None if results.dmarc is None else pb.DmarcResult(**_fields(results.dmarc)),
        iprev=None if results.iprev is None else pb.IprevResult(**_fields(results.iprev)),
        bimi=None if results.bimi is None else pb.BimiResult(**_fields(results.bimi)),
        overrides=results.overrides,
    )


def authentication_from_pb(message: pb.AuthenticationResults) -> AuthenticationResults:
    arc, dmarc, iprev, bimi = message.arc, message.dmarc, message.iprev, message.bimi
    return AuthenticationResults(
        spf=_spf_from_pb(message.spf) if message.HasField("spf") else None,
        helo=_spf_from_pb(message.helo) if message.HasField("helo") else None,
        dkim=tuple(
            [
                DkimResult(
                    _result(signature.result),
                    signature.domain,
                    signature.selector,
                    signature.identity,
                    signature.algorithm,
                    signature.key_bits,
                    signature.testing,
                    signature.partial_body,
                    signature.signature_start,
                    signature.reason,
                )
                for signature in message.dkim
            ]
        ),
        arc=ArcResult(_result(arc.result), arc.instances, arc.oldest_pass, tuple(arc.sealers), arc.carried, arc.reason)
        if message.HasField("arc")
        else None,
        dmarc=DmarcResult(
            _result(dmarc.result),
            dmarc.author_domain,
            dmarc.policy_domain,
            dmarc.organizational_domain,
            _POLICIES.get(dmarc.policy, DmarcPolicy.NONE),
            dmarc.testing,
            dmarc.spf_aligned,
            dmarc.dkim_aligned,
            dmarc.dkim_domain,
            dmarc.reason,
        )
        if message.HasField("dmarc")
        else None,
        iprev=IprevResult(_result(iprev.result), iprev.address, iprev.name) if message.HasField("iprev") else None,
        bimi=BimiResult(_result(bimi.result), bimi.domain, bimi.selector, bimi.location, bimi.authority)
        if message.HasField("bimi")
        else None,
        overrides=tuple(message.overrides),
    )


def _fields(part: _Part) -> dict[str, Any]:
    return {name: getattr(part, name) for name in part.__slots__}


def _spf_from_pb(spf: pb.SpfResult) -> SpfResult:
    return SpfResult(_result(spf.result), spf.domain, spf.scope, spf.mechanism, spf.explanation, spf.reason)


def _result(word: str) -> AuthResult:
    return _RESULTS.get(word, AuthResult.NONE)
