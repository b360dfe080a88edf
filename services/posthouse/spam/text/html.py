"""HTML as its reader sees it: visible text, links, and counts of what was hidden.

Regexes over a bounded text, each linear: a tag ends at the next `<` or `>`, a comment or script that is not closed
runs to the end. Words split by inline tags or comments are rejoined; block tags separate words. Text that is
display:none, tiny, transparent or of its background's colour is left out and counted. Not a parser of documents:
nothing is rendered, style sheets are not applied.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import Final

from posthouse.spam.text.links import MAX_URL, MAX_URLS, Link, host_of, shown_host

MAX_HIDDEN: Final = 200
"""Hidden elements whose end is looked for."""

_GONE = re.compile(
    r"(?is)<!--.*?(?:-->|\Z)|<(script|style|noscript|template|title)\b[^<>]*>.*?(?:</\1\s*>|\Z)|<[!?][^<>]*>"
)
_BLOCK = re.compile(
    r"(?i)</?(?:br|p|div|td|th|tr|table|tbody|thead|li|ul|ol|h[1-6]|hr|blockquote|pre|center|option|dd|dt|dl|section|"
    r"article|header|footer|body|html|head|form|img|input|button|label|figure|nav|main)\b[^<>]*>"
)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>?")
_SPLIT = re.compile(
    r"<(?<=[a-zA-Z]<)(?:/?(?!(?:br|p|div|td|th|tr|table|li|h\d|hr|img|a|ul|ol)\b)[a-zA-Z][^<>]{0,80}>|!--[^<>]{0,80}-->)"
    r"(?:</?[a-zA-Z][^<>]{0,80}>){0,4}[a-zA-Z]"
)
_STYLED = re.compile(r"<([a-zA-Z][a-zA-Z0-9]*)\s([^<>]{0,2000})>")
_HIDES = re.compile(
    r"(?i)display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*(?:0|1(?:px|pt)?)(?![\d.%a-z])|font-size\s*:\s*0(?:px|pt|em|%)"
    r"|opacity\s*:\s*0(?:\.0+)?(?![\d.])|mso-hide\s*:\s*all|max-height\s*:\s*0|text-indent\s*:\s*-\d{3,}"
)
_COLOUR = re.compile(r"(?i)(?<![-a-z])color\s*[:=]\s*[\"']?\s*(#?[a-z0-9]+)")
_GROUND = re.compile(r"(?i)(?:background(?:-color)?\s*:|bgcolor\s*=)\s*[\"']?\s*(#?[a-z0-9]+)")
_WHITE: Final = frozenset({"#fff", "#ffffff", "white", "ffffff", "#fefefe", "#fffffe", "#fffeff", "#fdfdfd"})
_ANCHOR = re.compile(r"<[aA]\s([^<>]{0,2000})")
_HREF = re.compile(r"(?i)\bhref\s{0,9}=\s{0,9}(?:\"([^\"]*)\"?|'([^']*)'?|(\S+))")
_SOURCE = re.compile(r"[sS][rR][cC]\s{0,3}=\s{0,3}[\"']?([^\s\"'<>]{1,1000})")
_ACTION = re.compile(r"[aA][cC][tT][iI][oO][nN]\s{0,3}=\s{0,3}[\"']?([^\s\"'<>]{1,1000})")
_HUGE_REFERENCE = re.compile(r"&#(?:\d{8,}|[xX][0-9a-fA-F]{8,});?")
_COUNTED: Final = ("img", "form", "input", "script", "style", "iframe", "table", "font", "a", "object", "svg", "meta")
_COUNT = re.compile(r"(?i)<(img|form|input|script|style|iframe|table|font|a|object|svg|meta)\b")


@dataclass(slots=True)
class Html:
    """What was seen of one part."""

    text: str = ""
    links: list[Link] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    """Hosts of images, frames and forms."""
    hidden: int = 0
    """Characters that no reader sees."""
    comments: int = 0
    """Characters of comments, scripts and style sheets."""
    splits: int = 0
    """Places where a tag stands inside a word."""
    white: int = 0
    """Elements with white letters."""
    tags: dict[str, int] = field(default_factory=dict)
    title: bool = False


def unescape(text: str) -> str:
    """Character references as characters. Numbers no character can have are dropped (Python refuses long ones)."""
    return html.unescape(_HUGE_REFERENCE.sub("", text)) if "&" in text else text


def read_html(markup: str) -> Html:
    """Never raises; time is linear in the length of `markup`."""
    seen = Html()
    counts = seen.tags
    for name in _COUNT.findall(markup):
        name = name.lower()
        counts[name] = counts.get(name, 0) + 1
    seen.splits = len(_SPLIT.findall(markup))
    seen.title = "<title" in markup or "<TITLE" in markup
    body = _GONE.sub("", markup)
    seen.comments = len(markup) - len(body)
    if "style" in body or "STYLE" in body or "color" in body or "COLOR" in body:
        body = _without_hidden(body, seen)
    if counts.get("a"):
        _links(body, seen)
    targets = _SOURCE.findall(body)
    if counts.get("form"):
        targets += _ACTION.findall(body)
    for target in targets[:MAX_URLS]:
        host = host_of(target)
        if host:
            seen.sources.append(host)
    seen.text = unescape(_TAG.sub("", _BLOCK.sub(" ", body)))
    return seen


def _links(body: str, seen: Html) -> None:
    lower = body.lower()
    for match in _ANCHOR.finditer(body):
        target = _HREF.search(match[1])
        if target is None:
            continue
        url = unescape((target[1] or target[2] or target[3] or "")[:MAX_URL]).strip()
        end = lower.find("</a", match.end(), match.end() + 400)
        shown = shown_host(_TAG.sub("", body[match.end() : end])) if end > 0 else ""
        seen.links.append(Link(url, host_of(url), shown))
        if len(seen.links) >= MAX_URLS:
            break


def _hides(attributes: str) -> bool:
    if _HIDES.search(attributes) is not None:
        return True
    letters = _COLOUR.search(attributes)
    if letters is None:
        return False
    ground = _GROUND.search(attributes)
    return ground is not None and ground[1].lower() == letters[1].lower()


def _without_hidden(body: str, seen: Html) -> str:
    """Takes out the elements that a style hides, with all they hold."""
    kept: list[str] = []
    at = 0
    lower = body.lower()
    budget = MAX_HIDDEN
    for match in _STYLED.finditer(body):
        if "tyle" not in match[2] and "TYLE" not in match[2] and "olor" not in match[2]:
            continue
        colour = _COLOUR.search(match[2])
        if colour is not None and colour[1].lower() in _WHITE:
            seen.white += 1
        if match.start() < at or budget <= 0 or not _hides(match[2]):
            continue
        budget -= 1
        name = match[1].lower()
        if name in ("img", "input", "br", "hr", "meta", "link", "body", "html"):
            continue
        end = _end_of(lower, name, match.end())
        kept.append(body[at : match.start()])
        seen.hidden += len(_TAG.sub("", body[match.end() : end]).strip())
        at = end
    kept.append(body[at:])
    return "".join(kept)


def _end_of(lower: str, name: str, start: int) -> int:
    """Behind the matching end tag, or the end of the text; nesting of the same name is counted, 20 deep at most."""
    depth, at = 1, start
    opening, closing = "<" + name, "</" + name
    for _ in range(40):
        end = lower.find(closing, at)
        if end < 0:
            return len(lower)
        nested = lower.find(opening, at, end)
        if nested >= 0:
            depth += 1
            at = nested + len(opening)
            continue
        depth -= 1
        at = end + len(closing)
        if depth == 0:
            close = lower.find(">", at)
            return close + 1 if close >= 0 else len(lower)
    return at
