"""Links and their hosts, read as browsers read them, from text and from HTML. Never raises; everything is bounded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

MAX_URLS: Final = 300
MAX_URL: Final = 1_000
"""Characters of one URL that are kept."""

# Both begin with what re finds at the speed of C; what stands before is looked at in Python.
_AFTER_SCHEME = re.compile(r"://[^\s<>\"'()\[\]{}\\]{2,1000}")
_WWW = re.compile(r"www\.[a-z0-9.-]{3,250}[^\s<>\"'()\[\]{}\\]{0,500}")
_SCHEME = re.compile(r"(?i)(?:https?|ftp)\Z")
_HOST = re.compile(r"[/\\]{2}([^/\\?#]*)")
_NUMERIC = re.compile(r"(?:0x[0-9a-f]+|[0-9]+)(?:\.(?:0x[0-9a-f]+|[0-9]+)){0,3}\Z")
_NAME_IN_TEXT = re.compile(r"(?i)\b((?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,12})\b")
# Two-label public suffixes that mail meets most; the full list belongs to DMARC, not to a guess per link.
_SECOND: Final = frozenset({"co", "com", "net", "org", "gov", "edu", "ac", "or", "ne", "go"})


@dataclass(frozen=True, slots=True)
class Link:
    url: str
    host: str
    """Lower case, without user, port and final dot; empty where there is none."""
    shown_host: str = ""
    """The host that the link's text shows, where it shows one."""

    @property
    def numeric(self) -> bool:
        return _NUMERIC.match(self.host) is not None or self.host.startswith("[")


def host_of(url: str) -> str:
    """The host a browser would go to; empty when there is none."""
    found = _HOST.search(url[:MAX_URL])
    if found is None:
        if url[:4].lower() != "www.":
            return ""
        authority = re.split(r"[/\\?#]", url[:MAX_URL], maxsplit=1)[0]
    else:
        authority = found[1]
    authority = authority.rpartition("@")[2]
    if authority.startswith("["):
        return authority.partition("]")[0][:64].lower() + "]"
    return authority.partition(":")[0].rstrip(".").lower()[:253]


@lru_cache(maxsize=8_192)
def organisation(host: str) -> str:
    """The registered part of a host, by rule of thumb: the last two labels, three under `co.uk` and its like."""
    labels = host.rsplit(".", 3)
    if len(labels) >= 3 and len(labels[-1]) == 2 and labels[-2] in _SECOND:
        return ".".join(labels[-3:])
    return ".".join(labels[-2:])


def plain_links(text: str) -> list[Link]:
    """The links that stand in text, in order, at most MAX_URLS."""
    found: list[tuple[int, str]] = []
    if "://" in text:
        for match in _AFTER_SCHEME.finditer(text):
            scheme = _SCHEME.search(text[max(0, match.start() - 5) : match.start()])
            if scheme is not None:
                found.append((match.start(), scheme[0] + match[0]))
                if len(found) >= MAX_URLS:
                    break
    if "www." in text:
        for match in _WWW.finditer(text):
            before = text[match.start() - 1 : match.start()]
            if not (before.isalnum() or before in ("/", ".", "@", "-")) or not before:
                found.append((match.start(), match[0]))
                if len(found) >= 2 * MAX_URLS:
                    break
        found.sort()
    links: list[Link] = []
    for _, url in found[:MAX_URLS]:
        url = url.rstrip(".,;:!?")
        links.append(Link(url, host_of(url)))
    return links


def shown_host(text: str) -> str:
    """The host that a link's text shows to its reader; empty when it shows none."""
    found = _NAME_IN_TEXT.search(text[:300])
    return "" if found is None else found[1].lower()
