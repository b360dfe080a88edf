"""From an accepted message to its deliveries: pure, so that the filter writes and the ledger derives the same.

RCPTs that resolve to one account with the same detail (case does not matter) are one delivery; the others of them are
*merged*. Verdicts are per recipient.
"""

from __future__ import annotations

from collections.abc import Sequence

from posthouse.model.envelope import Accepted, Deliver, Rcpt
from posthouse.model.errors import Invalid
from posthouse.model.ids import AccountId, DeliveryId, delivery_id
from posthouse.model.verdict import ACCEPT, Verdict

DEDUP_TTL = 60 * 86_400
"""Seconds that an account log remembers a delivery id: how long a repeat is known as one."""
SAFE_AGE = DEDUP_TTL - 2 * 86_400
"""Seconds after ingress beyond which nothing is delivered by itself any more: the memory might end meanwhile."""


def too_old(received_us: int, now_us: int) -> bool:
    """Whether a message has been on its way so long that a second copy could not be ruled out."""
    return now_us - received_us > SAFE_AGE * 1_000_000


def promised_us(deliver: Deliver) -> int:
    """From when on the account log's memory of this delivery counts: ingress, or the release of a held one."""
    return deliver.filtered_us if deliver.attempt else deliver.received_us


def route(
    accepted: Accepted,
    *,
    verdicts: Sequence[Verdict] = (),
    headers: Sequence[tuple[tuple[str, str], ...]] = (),
    filtered_us: int = 0,
) -> tuple[Deliver, ...]:
    """One Deliver per account and detail, in the order of the recipients. `verdicts` and `headers` run parallel to
    them; none = all accepted, nothing added. Invalid when a recipient is not local (there is no relay) or has no body
    for its tenant."""
    envelope = accepted.envelope
    merged: dict[tuple[AccountId, str], list[int]] = {}
    for index, rcpt in enumerate(envelope.rcpts):
        if rcpt.account is None:
            raise Invalid("a recipient that is not local, and no relay")
        merged.setdefault((rcpt.account, rcpt.detail.lower()), []).append(index)
    deliveries = []
    for (account, _), same in merged.items():
        # Merged recipients are the same account, and policies are per account: the first one's verdict holds.
        verdict = verdicts[same[0]] if verdicts else ACCEPT
        first = envelope.rcpts[same[0]]
        added = headers[same[0]] if headers else ()
        deliveries.append(_deliver(accepted, account, first, len(same) - 1, verdict, added, filtered_us))
    return tuple(deliveries)


def delivery_ids(accepted: Accepted) -> dict[DeliveryId, tuple[Rcpt, int]]:
    """Each delivery id with the recipient it is for and how many further ones merged into it; recipients that are not
    local are left out."""
    found: dict[DeliveryId, tuple[Rcpt, int]] = {}
    for rcpt in accepted.envelope.rcpts:
        if rcpt.account is None:
            continue
        name = delivery_id(accepted.queue_id, rcpt.account, rcpt.detail)
        first, more = found.get(name, (rcpt, -1))
        found[name] = (first, more + 1)
    return found


def _deliver(
    accepted: Accepted,
    account: AccountId,
    rcpt: Rcpt,
    merged: int,
    verdict: Verdict,
    headers: tuple[tuple[str, str], ...],
    filtered_us: int,
) -> Deliver:
    try:
        body = accepted.body(rcpt.tenant)
    except KeyError as error:
        raise Invalid(f"no body for the tenant of a recipient of {accepted.queue_id}") from error
    return Deliver(
        delivery_id=delivery_id(accepted.queue_id, account, rcpt.detail),
        queue_id=accepted.queue_id,
        account=account,
        rcpt=rcpt,
        reverse_path=accepted.envelope.reverse_path,
        login=accepted.peer.login,
        body=body,
        verdict=verdict,
        headers=headers,
        received_us=accepted.received_us,
        filtered_us=filtered_us,
        merged=merged,
        authentication=accepted.authentication.in_short if accepted.authentication is not None else "",
    )
