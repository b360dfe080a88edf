"""What a receiver takes from signatures, and how much work it does for one message."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DkimPolicy:
    max_signatures: int = 12
    """Signatures of one message that are judged; one result stands for all others. Each costs a look-up and a
    verification. Mail has seldom more than 3."""
    min_rsa_bits: int = 1_024
    """RFC 8301 §3.2: shorter keys must not be taken."""
    weak_rsa_bits: int = 2_048
    """A pass by a shorter key says so in its reason (RFC 8301 §3.2 asks signers for 2,048)."""
    max_rsa_bits: int = 4_096
    """RFC 8301 §3.2: longer ones need not be taken, and each doubling costs four times."""
    accept_partial_body: bool = False
    """Whether a signature whose l= leaves a part of the body unsigned may pass: anybody can add there what they like
    (RFC 6376 §8.2)."""
    clock_skew: int = 300
    """Seconds that t= may lie in the future and x= in the past."""


DEFAULT = DkimPolicy()
