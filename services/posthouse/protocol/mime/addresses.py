"""Address lists as ENVELOPE wants them (RFC 5322 §3.4 with the obsolete forms of §4.4; RFC 3501 §7.4.2).

Each mailbox is one Address; a group is a marker with its name, its mailboxes, and an empty marker. Quoting is taken
off, encoded words stay as they are. The usual forms are read by one regex; what it does not match is read token by
token. Nothing raises: what is no address still gives something a reader can show, with the host MISSING_DOMAIN or the
mailbox MISSING_MAILBOX (Dovecot's words, which clients know: NIL would read as a group marker).
"""

import re
from typing import NamedTuple

from posthouse.protocol.mime.parameters import comment_end

MAX_ADDRESSES = 2_000
"""Addresses read of one field: what stands behind them is left to those who read the header itself."""

MISSING_DOMAIN = b"MISSING_DOMAIN"
MISSING_MAILBOX = b"MISSING_MAILBOX"


class Address(NamedTuple):
    """One mailbox, or a group marker when `host` is None."""

    name: bytes | None
    """Display name without quoting; None when there is none."""
    route: bytes | None
    """Obsolete source route (`@a,@b`), for ENVELOPE's at-domain-list only."""
    mailbox: bytes | None
    """Local part without quoting; the group's name in its first marker, None in its last."""
    host: bytes | None

    @property
    def addr_spec(self) -> bytes | None:
        """`local@domain`, the local part unquoted; None for a group marker."""
        return None if self.host is None or self.mailbox is None else self.mailbox + b"@" + self.host


_GROUP_END = Address(None, None, None, None)

# The usual forms: Name <a@b>, "Name" <a@b>, <a@b>, a@b, then a comma or the end. Possessive: a miss costs one pass.
_WORD = rb"[!#$%&'*+\-/0-9=?A-Z^_`a-z{|}~.\x80-\xff]++"
_QUOTED = rb'"([^"\\\x00-\x1f]*+(?:\\[^\x00-\x1f][^"\\\x00-\x1f]*+)*+)"'
_ADDRESS = rb"(" + _WORD + rb")@([0-9A-Za-z.\-_\x80-\xff]++)"
_NAME = rb"(?:" + _QUOTED + rb"|(" + _WORD + rb"(?: " + _WORD + rb")*+|))"
_USUAL = re.compile(rb"[ \t]*+(?:" + _NAME + rb"[ \t]*+<" + _ADDRESS + rb">|" + _ADDRESS + rb")[ \t]*+(?:,|\Z)")
_TOKEN = re.compile(
    rb"(?P<space>[ \t\r\n]+)"
    rb'|(?P<quoted>"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z))'
    rb"|(?P<literal>\[[^\]\\]*(?:\\.[^\]\\]*)*(?:\]|\\?\Z))"
    rb"|(?P<comment>\()"
    rb"|(?P<special>[<>:;,@])"
    rb'|(?P<atom>[^ \t\r\n"()<>:;,@\[\]\\]+|.)',
    re.DOTALL,
)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)


def addresses(value: bytes) -> list[Address]:
    """The addresses of an unfolded value, in order, groups as their markers; at most MAX_ADDRESSES."""
    found: list[Address] = []
    at = 0
    end = len(value)
    match = _USUAL.match
    while at < end and len(found) < MAX_ADDRESSES:
        usual = match(value, at)
        if usual is None:
            return _Reader().read(value) if value.strip() else []
        quoted, plain, mailbox, host, bare, bare_host = usual.groups()
        if mailbox is None:
            found.append(Address(None, None, bare, bare_host))
        else:
            if quoted is not None and b"\\" in quoted:
                quoted = _QUOTED_PAIR.sub(rb"\1", quoted)
            found.append(Address(quoted or plain or None, None, mailbox, host))
        at = usual.end()
    return found


class _Reader:
    """Token by token: words gather until a separator says what they were."""

    __slots__ = ("angle", "comment", "found", "has_at", "in_group", "words")

    def __init__(self) -> None:
        self.found: list[Address] = []
        self.words: list[tuple[bytes, bool, bool]] = []  # text, special, white space before
        self.angle: list[tuple[bytes, bool, bool]] | None = None  # inside <…>, or done with it
        self.comment: bytes | None = None
        self.in_group = False
        self.has_at = False  # an @ among the words

    def read(self, value: bytes) -> list[Address]:
        at, end = 0, len(value)
        inside = space = False
        while at < end and len(self.found) < MAX_ADDRESSES:
            token = _TOKEN.match(value, at)
            if token is None:  # no octet is outside of the alternatives; ends the loop all the same
                break
            at = token.end()
            kind, text = token.lastgroup, token[0]
            if kind == "space":
                space = True
                continue
            if kind == "comment":
                at = comment_end(value, token.start())
                self.comment = _QUOTED_PAIR.sub(rb"\1", value[token.end() : at].removesuffix(b")")).strip()
                space = True
                continue
            if kind == "special" and inside:
                if text == b">":
                    inside = False
                elif self.angle is not None:
                    self.angle.append((text, True, space))
            elif kind == "special" and text in b",;":
                self._finish()
                if text == b";" and self.in_group:
                    self.found.append(_GROUP_END)
                    self.in_group = False
            elif kind == "special" and text == b":" and not self.in_group and self.angle is None and not self.has_at:
                self.found.append(Address(None, None, _phrase(self.words) or b"", None))
                self.in_group = True
                self._clear()
            elif kind == "special" and text == b"<" and self.angle is None:
                inside = True
                self.angle = []
            elif kind == "special" and text in b"<>":
                pass  # a stray bracket says nothing
            else:
                if kind == "quoted":
                    text = _QUOTED_PAIR.sub(rb"\1", text[1:].removesuffix(b'"'))
                target = self.angle if inside and self.angle is not None else self.words
                if inside or self.angle is None:
                    target.append((text, kind == "special", space))
                    self.has_at = self.has_at or (not inside and text == b"@" and kind == "special")
            space = False
        self._finish()
        if self.in_group:
            self.found.append(_GROUP_END)
        return self.found

    def _clear(self) -> None:
        self.words = []
        self.angle = None
        self.comment = None
        self.has_at = False

    def _finish(self) -> None:
        """What was gathered becomes an address; nothing gathered is an empty place in the list (RFC 5322 §4.4)."""
        if self.angle is not None:
            name = _phrase(self.words) or self.comment
            self.found.append(_angle_address(name, self.angle))
        elif self.has_at:
            at = max(i for i, (text, special, _) in enumerate(self.words) if special and text == b"@")
            first = at
            # White space ends the local part, unless a dot holds on to what stands before it (obs-local-part).
            while first > 0 and (
                first == at
                or not self.words[first][2]
                or self.words[first][0].startswith(b".")
                or self.words[first - 1][0].endswith(b".")
            ):
                first -= 1
            last = at + 1
            while last < len(self.words) and (
                last == at + 1
                or not self.words[last][2]
                or self.words[last][0].startswith(b".")
                or self.words[last - 1][0].endswith(b".")
            ):
                last += 1
            local = b"".join(text for text, _, _ in self.words[first:at])
            host = b"".join(text for text, _, _ in self.words[at + 1 : last])
            name = _phrase(self.words[:first]) or self.comment
            self.found.append(Address(name, None, local or MISSING_MAILBOX, host or MISSING_DOMAIN))
        elif len(self.words) == 1:
            self.found.append(Address(self.comment, None, self.words[0][0] or MISSING_MAILBOX, MISSING_DOMAIN))
        elif self.words:
            self.found.append(Address(_phrase(self.words), None, MISSING_MAILBOX, MISSING_DOMAIN))
        self._clear()


def _angle_address(name: bytes | None, tokens: list[tuple[bytes, bool, bool]]) -> Address:
    """`<@a,@b:local@domain>` or `<local@domain>`."""
    route = None
    if tokens and tokens[0][:2] == (b"@", True):
        colon = next((i for i, (text, special, _) in enumerate(tokens) if special and text == b":"), None)
        if colon is not None:
            route = b"".join(text for text, _, _ in tokens[:colon])
            tokens = tokens[colon + 1 :]
    at = max((i for i, (text, special, _) in enumerate(tokens) if special and text == b"@"), default=len(tokens))
    mailbox = b"".join(text for text, _, _ in tokens[:at])
    host = b"".join(text for text, _, _ in tokens[at + 1 :])
    return Address(name, route, mailbox or MISSING_MAILBOX, host or MISSING_DOMAIN)


def _phrase(words: list[tuple[bytes, bool, bool]]) -> bytes | None:
    """Words joined as they stood, each run of white space one space."""
    text = b"".join((b" " + word if space and i else word) for i, (word, _, space) in enumerate(words))
    return text or None
