"""Mailbox data: LIST, LSUB, STATUS, NAMESPACE, and the answer to SELECT (RFC 3501 §7.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from posthouse.model.mailbox import SEPARATOR, Mailbox
from posthouse.protocol.imap.commands.list import Pattern
from posthouse.protocol.imap.responses.text import mailbox
from posthouse.protocol.imap.view import SelectedView

NAMESPACE = b'* NAMESPACE (("" "/")) NIL NIL\r\n'
"""One personal namespace (RFC 2342 §5)."""
ROOT = b'(\\Noselect) "/" ""'
"""RFC 3501 §6.3.8: what LIST says to an empty pattern."""


def list_lines(mailboxes: Iterable[Mailbox], pattern: Pattern, *, subscribed: bool) -> list[bytes]:
    """LIST (or LSUB) answers in order of names. Names that exist only as parents of others are \\Noselect."""
    names = {m.name: m for m in mailboxes}
    parents: set[str] = set()
    for name in names:
        at = name.find(SEPARATOR)
        while at >= 0:
            parents.add(name[:at])
            at = name.find(SEPARATOR, at + 1)
    return (_lsub if subscribed else _list)(names, parents, pattern)


def _list(names: dict[str, Mailbox], parents: set[str], pattern: Pattern) -> list[bytes]:
    out: list[bytes] = []
    for name in sorted(parents.union(names)):
        if not pattern.matches(name):
            continue
        attributes = [b"\\HasChildren" if name in parents else b"\\HasNoChildren"]  # RFC 3348 §3
        found = names.get(name)
        if found is None:
            attributes.insert(0, b"\\Noselect")
        elif found.special_use:
            attributes.append(found.special_use.encode("ascii", "replace"))  # RFC 6154 §2
        out.append(b'* LIST (%b) "/" %b\r\n' % (b" ".join(attributes), mailbox(name)))
    return out


def _lsub(names: dict[str, Mailbox], parents: set[str], pattern: Pattern) -> list[bytes]:
    out: list[bytes] = []
    subscribed = {name for name, m in names.items() if m.subscribed}
    above: set[str] = set()
    for name in subscribed:
        if not pattern.matches(name):
            # RFC 3501 §6.3.9: `%` shows a parent of subscribed names, as \Noselect, although it is not subscribed.
            at = name.find(SEPARATOR)
            while at >= 0:
                above.add(name[:at])
                at = name.find(SEPARATOR, at + 1)
    for name in sorted(subscribed | above):
        if pattern.matches(name):
            attributes = b"" if name in subscribed else b"\\Noselect"
            out.append(b'* LSUB (%b) "/" %b\r\n' % (attributes, mailbox(name)))
    return out


def status_line(found: Mailbox, items: Sequence[str], append_limit: int) -> bytes:
    values = {
        "MESSAGES": found.total,
        "RECENT": 0,
        "UIDNEXT": found.uidnext,
        "UIDVALIDITY": found.uidvalidity,
        "UNSEEN": found.unseen,
        "HIGHESTMODSEQ": max(1, found.highest_modseq),
        "APPENDLIMIT": append_limit,
    }
    pairs = b" ".join([b"%b %d" % (item.encode("ascii"), values[item]) for item in items])
    return b"* STATUS %b (%b)\r\n" % (mailbox(found.name), pairs)


def selected(view: SelectedView, found: Mailbox) -> bytes:
    """The untagged answers to SELECT (RFC 3501 §6.3.1; HIGHESTMODSEQ always, RFC 7162 §3.1.2)."""
    unseen = view.first_unseen()
    return b"".join(
        (
            view.flags_line(),
            b"* OK [%b] Flags permitted\r\n" % view.permanent_flags(),
            b"* %d EXISTS\r\n* 0 RECENT\r\n" % view.exists,
            b"* OK [UNSEEN %d] First unseen\r\n" % unseen if unseen else b"",
            b"* OK [UIDVALIDITY %d] UIDs valid\r\n" % found.uidvalidity,
            b"* OK [UIDNEXT %d] Predicted next UID\r\n" % found.uidnext,
            b"* OK [HIGHESTMODSEQ %d] Highest\r\n" % max(1, min(found.highest_modseq, view.modseq)),
        )
    )
