"""The ARC sets of a message, put together and checked for form (RFC 8617 §4.2, §5.2 steps 1 to 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from posthouse.mailauth.dkim.message import SignedMessage
from posthouse.mailauth.dkim.signature import MAX_FIELD, SignatureError, decode, key_place, read

MAX_INSTANCES = 50
"""RFC 8617 §4.2.1."""

MAX_RESULTS = 4_096
"""Octets of the results that are carried on; longer ones say nothing, rather than something cut."""

_SEAL, _SIGNATURE, _RESULTS = b"arc-seal", b"arc-message-signature", b"arc-authentication-results"
_INSTANCE = re.compile(rb"[ \t\r\n]*i[ \t\r\n]*=[ \t\r\n]*([0-9]{1,3})[ \t\r\n]*;")
_VALIDATIONS = frozenset(("none", "pass", "fail"))


class ChainError(ValueError):
    """The sets make no chain. The text is fit for a result's reason."""


@dataclass(frozen=True, slots=True)
class Seal:
    """An ARC-Seal."""

    algorithm: str
    domain: str
    selector: str
    validation: str
    """cv=: what the sealer found the chain before it to be."""
    value: bytes

    @property
    def key_name(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"


@dataclass(frozen=True, slots=True)
class ArcSet:
    """The three fields of one instance, by their places in the header."""

    instance: int
    results: int
    signature: int
    signature_tags: dict[str, str]
    seal_place: int
    seal: Seal


def has_chain(message: SignedMessage) -> bool:
    return any(name in message.by_name for name in (_SEAL, _SIGNATURE, _RESULTS))


def sets_of(message: SignedMessage) -> list[ArcSet]:
    """The sets by instance, 1 first; empty when the message has none. ChainError."""
    results = _by_instance(message, _RESULTS)
    signatures = _by_instance(message, _SIGNATURE)
    seals = _by_instance(message, _SEAL)
    count = max((len(results), len(signatures), len(seals)))
    if count > MAX_INSTANCES:
        raise ChainError(f"more than {MAX_INSTANCES} instances")
    wanted = set(range(1, count + 1))
    if not set(results) == set(signatures) == set(seals) == wanted:
        raise ChainError("the sets are not complete")
    chain: list[ArcSet] = []
    for instance in range(1, count + 1):
        tags = _tags(message, signatures[instance], instance)
        if "v" in tags:
            raise ChainError(f"v= in the message signature of i={instance}")
        seal = _seal(_tags(message, seals[instance], instance), instance)
        chain.append(ArcSet(instance, results[instance], signatures[instance], tags, seals[instance], seal))
    return chain


def results_of(message: SignedMessage, place: int) -> str:
    """What an ARC-Authentication-Results says behind its instance, on one line; empty when it is too long."""
    value = message.fields[place].value
    if len(value) > MAX_RESULTS:
        return ""
    match = _INSTANCE.match(value)
    text = value[match.end() if match is not None else 0 :]
    return b" ".join(text.split()).decode("utf-8", "replace")


def _by_instance(message: SignedMessage, name: bytes) -> dict[int, int]:
    places = message.by_name.get(name, [])
    if len(places) > MAX_INSTANCES:
        raise ChainError(f"more than {MAX_INSTANCES} instances")
    found: dict[int, int] = {}
    for place in places:
        value = message.fields[place].value
        match = _INSTANCE.match(value)
        if match is not None:
            instance = int(match[1])
        elif name == _RESULTS:
            raise ChainError("results without an instance")
        else:  # in signatures and seals i= may stand anywhere
            instance = _instance(message, place)
        if instance in found:
            raise ChainError(f"i={instance} twice")
        found[instance] = place
    return found


def _instance(message: SignedMessage, place: int) -> int:
    try:
        text = read(message.fields[place].value).get("i", "")
    except SignatureError as e:
        raise ChainError(str(e)) from e
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        raise ChainError("a field without an instance")
    return int(text)


def _tags(message: SignedMessage, place: int, instance: int) -> dict[str, str]:
    value = message.fields[place].value
    if len(value) > MAX_FIELD:
        raise ChainError(f"a field of i={instance} is too long")
    try:
        return read(value)
    except SignatureError as e:
        raise ChainError(f"i={instance}: {e}") from e


def _seal(tags: dict[str, str], instance: int) -> Seal:
    for name in ("a", "b", "cv", "d", "s"):
        if not tags.get(name):
            raise ChainError(f"seal of i={instance}: no {name}=")
    # RFC 8617 §4.1.3: a seal covers what it covers; one that says otherwise is none.
    if "h" in tags or "bh" in tags:
        raise ChainError(f"seal of i={instance} has h= or bh=")
    validation = tags["cv"].lower()
    if validation not in _VALIDATIONS:
        raise ChainError(f"seal of i={instance}: unknown cv=")
    try:
        algorithm, domain, selector = key_place(tags)
        value = decode(tags["b"], "b")
    except SignatureError as e:
        raise ChainError(f"seal of i={instance}: {e}") from e
    return Seal(algorithm, domain, selector, validation, value)
