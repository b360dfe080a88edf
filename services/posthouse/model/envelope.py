"""The envelope: a mail on its way (RFC 5321 §2.3.1), and the two records of the road that carry it.

`Accepted` is what `mx` and `submission` publish before they answer 250; it freezes the expanded recipients.
`Deliver` is one delivery into one account log, written by `filter`. The octets ride inline (`Body.octets`) up to
INLINE_MAX, else as a blob.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from posthouse.model.authentication import AuthenticationResults
from posthouse.model.content import ContentFinding
from posthouse.model.ids import AccountId, BlobId, DeliveryId, DomainName, QueueId, TenantName
from posthouse.model.reputation import ListHit
from posthouse.model.verdict import ACCEPT, Verdict

OWN = "own"
"""Origin of mail that the platform writes itself: it is not judged."""
INLINE_MAX = 16_384
"""Octets. Up to here a body rides in the record and lies in the `email` row; above it is a blob."""


@dataclass(frozen=True, slots=True)
class BlobRef:
    blob_id: BlobId
    tenant: TenantName
    size: int


@dataclass(frozen=True, slots=True)
class Body:
    """The stored form: the message as received, topped by one Received line of ours. Exactly one of the two is set."""

    size: int
    octets: bytes | None = None
    blob: BlobRef | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """Who handed the message over. `login` is the authenticated address, empty when there was none."""

    ip: str
    helo: str
    tls: str = ""
    """Protocol and cipher, for example `TLSv1.3 TLS_AES_256_GCM_SHA384`; empty = plain text."""
    login: str = ""


@dataclass(frozen=True, slots=True)
class Rcpt:
    """One accepted RCPT after expansion. An alias with three targets gives three Rcpt with the same `address`."""

    address: str
    """The forward-path as given by the client (X-Original-To)."""
    account: AccountId | None
    """Resolved local account; None = not local (no relay yet: never accepted in this version)."""
    target: str = ""
    """The account's own address (Delivered-To)."""
    detail: str = ""
    """What stood behind the + of the local part."""
    tenant: TenantName = TenantName("")
    domain: DomainName = DomainName("")
    """The domain whose quarantine takes the delivery if it must be held."""
    notify: str = ""
    orcpt: str = ""
    """RFC 3461 options, carried for the relay."""


@dataclass(frozen=True, slots=True)
class Envelope:
    reverse_path: str
    """Empty = the null sender `<>`."""
    rcpts: tuple[Rcpt, ...]
    smtputf8: bool = False
    ret: str = ""
    envid: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    queue_id: QueueId
    envelope: Envelope
    peer: Peer
    bodies: tuple[tuple[TenantName, Body], ...]
    """One per tenant among the recipients: a blob is never shared by two tenants."""
    received_us: int
    rcpts_accepted: int
    """RCPTs answered 250. `len(envelope.rcpts) - rcpts_accepted` = expanded (ledger)."""
    origin: str = "mx"
    """`mx`, `submission`, or OWN."""
    removed_headers: tuple[bytes, ...] = ()
    """Header lines cut at ingress (foreign Return-Path, X-Posthouse-*, Authentication-Results in our name)."""
    authentication: AuthenticationResults | None = None
    """What `mx` found out before the 250; never computed again. None = not looked at."""
    authors: tuple[str, ...] = ()
    """Addresses of RFC5322.From, lower case, the first few; as claimed."""
    content: tuple[ContentFinding, ...] = ()
    """What was found in its content before the 250; never computed again."""
    listed: tuple[ListHit, ...] = ()
    """DNS lists that know the client's address, as `mx` found before the 250."""

    def body(self, tenant: TenantName) -> Body:
        for name, body in self.bodies:
            if name == tenant:
                return body
        raise KeyError(tenant)


@dataclass(frozen=True, slots=True)
class Deliver:
    delivery_id: DeliveryId
    queue_id: QueueId
    account: AccountId
    rcpt: Rcpt
    reverse_path: str
    login: str
    """The authenticated sender, empty if none."""
    body: Body
    verdict: Verdict = ACCEPT
    headers: tuple[tuple[str, str], ...] = ()
    """Header fields to add in the account's prefix, in order (name, value)."""
    received_us: int = 0
    filtered_us: int = 0
    attempt: int = 0
    merged: int = field(default=0)
    """How many further RCPTs of the message collapsed into this delivery (ledger: merged)."""
    authentication: str = ""
    """AuthenticationResults.in_short of the message, for its trace."""
