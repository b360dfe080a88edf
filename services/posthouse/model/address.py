"""Addresses: local part, domain, detail. Pure text work; whether an address exists is the Directory's to say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from posthouse.model.errors import Invalid
from posthouse.model.ids import DomainName

MAX_LOCAL_PART = 64  # RFC 5321 §4.5.3.1.1, octets
MAX_DOMAIN = 255  # RFC 5321 §4.5.3.1.2, octets
MAX_PATH = 256  # RFC 5321 §4.5.3.1.3, octets

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+"
_DOT_ATOM = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*")


@dataclass(frozen=True, slots=True)
class Address:
    local: str
    """As written, without quotes."""
    domain: DomainName

    def __str__(self) -> str:
        return f"{quoted_local(self.local)}@{self.domain}"

    @property
    def mailbox(self) -> str:
        """The local part that the directory knows: lower case, detail cut off."""
        return self.local.partition("+")[0].lower() if not self.local.startswith("+") else self.local.lower()

    @property
    def detail(self) -> str:
        """What stands behind the first +, empty if nothing."""
        return self.local.partition("+")[2] if not self.local.startswith("+") else ""


def quoted_local(local: str) -> str:
    """RFC 5321 §4.1.2: a local part that is no dot-string must be quoted."""
    if _DOT_ATOM.fullmatch(local):
        return local
    escaped = local.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def domain_name(text: str) -> DomainName:
    """Normalises a domain (IDN to A-labels, lower case, no trailing dot). Invalid when it is none."""
    text = text.strip().rstrip(".")
    if not text.isascii():
        try:
            text = text.encode("idna").decode("ascii")
        except UnicodeError as e:
            raise Invalid(f"not a domain name: {text!r}", public="not a domain name") from e
    if len(text) > MAX_DOMAIN or not _DOMAIN.fullmatch(text):
        raise Invalid(f"not a domain name: {text!r}", public="not a domain name")
    return DomainName(text.lower())


def parse_address(text: str) -> Address:
    """`local@domain`, local part plain or quoted. Invalid (with a text that says what is wrong) otherwise."""
    local, at, domain = text.rpartition("@")
    if not at or not local:
        raise Invalid(f"an address looks like user@example.org, not {text!r}", public="not an address")
    if local.startswith('"') and local.endswith('"') and len(local) >= 2:
        local = re.sub(r"\\(.)", r"\1", local[1:-1])
        if any(ord(c) < 32 or ord(c) == 127 for c in local):
            raise Invalid("control character in a local part", public="not an address")
    elif not _DOT_ATOM.fullmatch(local):
        raise Invalid(f"not a local part: {local!r}", public="not an address")
    if len(local.encode()) > MAX_LOCAL_PART:
        raise Invalid(f"local part longer than {MAX_LOCAL_PART} octets", public="local part too long")
    return Address(local, domain_name(domain))
