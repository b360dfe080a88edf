"""The policy above one recipient, read from the directory (which caches) and folded."""

from __future__ import annotations

from typing import Final

from posthouse.model.envelope import Rcpt
from posthouse.model.errors import Invalid
from posthouse.model.filter_policy import SILENT, EffectivePolicy, FilterPolicy, fold, scopes
from posthouse.ports.directory import Directory

_BUILT_IN: Final = fold([])


async def policy_for(directory: Directory, rcpt: Rcpt) -> EffectivePolicy:
    """Unavailable when the directory is. A recipient that is not local has its tenant's policy. A level whose policy
    cannot be read says nothing: mail is neither refused for it nor dead."""
    said: list[tuple[str, FilterPolicy]] = []
    for level, scope in scopes(rcpt.tenant, rcpt.domain, rcpt.account):
        try:
            said.append((level, await directory.filter_policy(scope)))
        except Invalid:  # the directory has said so in its log
            said.append((level, SILENT))
    # Most accounts have nothing above them that says anything.
    if all(policy is SILENT or policy.says_nothing for _, policy in said):
        return _BUILT_IN
    return fold(said)
