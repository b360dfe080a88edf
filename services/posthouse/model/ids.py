"""Identifiers. Each is a NewType, so that mypy keeps a UID from being passed where a modseq is meant.

`queue_id` is minted once, where a message enters, and names it everywhere (250 reply, log lines, spans, headers).
What later stages write is named by ids *derived* from it, which is what makes every stage idempotent.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import NewType

QueueId = NewType("QueueId", str)
"""26 characters of Crockford base 32 over a UUIDv7 (16 octets): sorts by time, safe in a reply and in a file name."""
DeliveryId = NewType("DeliveryId", bytes)
"""16 octets; one delivery into one account log. Derived by `delivery_id`, never minted."""
OpId = NewType("OpId", bytes)
"""16 octets; the dedup key of a commit. A delivery's OpId is its DeliveryId."""
AccountId = NewType("AccountId", uuid.UUID)
MailboxId = NewType("MailboxId", uuid.UUID)
"""RFC 8474 MAILBOXID: stays with the mailbox through renames."""
EmailId = NewType("EmailId", uuid.UUID)
"""RFC 8474 EMAILID: a time-based UUIDv1 (Cassandra timeuuid), fresh for each stored copy of octets."""
BlobId = NewType("BlobId", bytes)
"""42 octets: generation (2, big endian) ‖ keyed BLAKE2b-256 of the octets (32) ‖ length (8, big endian)."""
DomainName = NewType("DomainName", str)
"""Lower case A-labels, no trailing dot."""
TenantName = NewType("TenantName", str)

Uid = NewType("Uid", int)
UidValidity = NewType("UidValidity", int)
ModSeq = NewType("ModSeq", int)
"""Account-wide change number, starting at 1 (0 = before any change); RFC 7162 mod-sequence of every mailbox in it."""
SeqNum = NewType("SeqNum", int)
MailboxNumber = NewType("MailboxNumber", int)
"""Small number of a mailbox inside its account log; never reused. INBOX is 1."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(a + b for a in _ALPHABET for b in _ALPHABET)
_PAIR_SHIFTS = tuple(range(120, -1, -10))
# To the digits that int(…, 32) reads; whatever is no digit of ours becomes something that it does not read.
_DIGITS = bytes(
    b"0123456789abcdefghijklmnopqrstuv"[_ALPHABET.index(chr(c))] if chr(c) in _ALPHABET else 33 for c in range(256)
)
_DELIVERY = uuid.UUID("6d0b9f5e-6b6f-5f0a-9a51-3f6d1f6f8a10")


def queue_id_from_octets(octets: bytes) -> QueueId:
    """Text form of a 16-octet UUIDv7."""
    n = int.from_bytes(octets, "big")
    return QueueId("".join([_PAIRS[n >> shift & 1023] for shift in _PAIR_SHIFTS]))


def queue_id_octets(queue_id: QueueId) -> bytes:
    """The 16 octets behind the text form; also the message's trace id. ValueError when it is no queue_id."""
    if len(queue_id) != 26:
        raise ValueError(f"a queue_id has 26 characters, not {len(queue_id)}: {queue_id!r}")
    try:
        return int(queue_id.encode("ascii").translate(_DIGITS), 32).to_bytes(16, "big")
    except (ValueError, OverflowError) as e:
        raise ValueError(f"not a queue_id: {queue_id!r}") from e


def queue_id_time_us(queue_id: QueueId) -> int:
    """When it was minted: microseconds since the epoch, at the millisecond resolution of UUIDv7."""
    return int.from_bytes(queue_id_octets(queue_id)[:6], "big") * 1000


def delivery_id(queue_id: QueueId, account: AccountId, detail: str) -> DeliveryId:
    """One delivery = (message, account, detail): RCPTs that resolve to one account merge unless details differ."""
    digest = hashlib.sha1(
        _DELIVERY.bytes + queue_id.encode() + account.bytes + detail.lower().encode(), usedforsecurity=False
    ).digest()
    return DeliveryId(digest[:6] + bytes([digest[6] & 0x0F | 0x50, digest[7], digest[8] & 0x3F | 0x80]) + digest[9:16])


def derived_op_id(base: bytes, what: str) -> OpId:
    """The op id of a follow-up of `base` (say, the drop of a held delivery): the same each time it is retried."""
    return OpId(uuid.uuid5(uuid.UUID(bytes=base), what).bytes)


def quarantine_account(domain: DomainName) -> AccountId:
    """A domain's quarantine is an account log of its own; its id is derived, so nobody has to look it up."""
    return AccountId(uuid.uuid5(_DELIVERY, "quarantine:" + domain))


def email_month(email_id: EmailId) -> int:
    """Months since 1970 of a time-based id: the partition of its `email` row is derived, never looked up."""
    seconds = (email_id.time - 0x01B21DD213814000) // 10_000_000
    days = seconds // 86_400
    # Civil-from-days (proleptic Gregorian), reduced to year and month.
    z = days + 719_468
    era, doe = divmod(z, 146_097)
    yoe = (doe - doe // 1460 + doe // 36_524 - doe // 146_096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    month = mp + 3 if mp < 10 else mp - 9
    year = yoe + era * 400 + (1 if month <= 2 else 0)
    return (year - 1970) * 12 + month - 1
