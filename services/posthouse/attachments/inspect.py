"""The walk through a message's attachments, and through what lies in them.

Never raises, whatever the octets: what breaks is `damaged`, what goes beyond the limits is `bomb`, and what was found
up to there stays found. Bodies (text parts without a name) are not attachments and are passed over.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator
from typing import Final

from posthouse.attachments import active, names, office
from posthouse.attachments.limits import PREFIX, Budget, LimitReached, Limits
from posthouse.attachments.names import cleaned, extension
from posthouse.attachments.packed import Damaged, Unpacked
from posthouse.attachments.sniff import (
    DISK_IMAGE,
    EXECUTABLE,
    ISO_REACH,
    PACKED,
    UNOPENED,
    Kind,
    binary,
    may_be_disk,
    sniff,
    sniff_tail,
)
from posthouse.attachments.tars import BLOCK, Member, Octets, Stream, members
from posthouse.attachments.zips import Entry, Zip, read_zip
from posthouse.model.content import ContentFinding, ContentKind
from posthouse.protocol.mime.header import MAX_HEADER
from posthouse.protocol.mime.parameters import Parameters, parameter_text
from posthouse.protocol.mime.scan import MAX_DEPTH, Part, scan

MAX_OF_A_KIND: Final = 4
"""Findings of one kind; the next ones would say nothing new."""

_WHOLE: Final = frozenset((Kind.ZIP, Kind.OLE, Kind.ONENOTE, Kind.TAR, Kind.MESSAGE, *PACKED))
_CONTENT: Final = re.compile(rb"\ncontent-(type|disposition)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.I)
_TEXT: Final = re.compile(rb"\s*text/(?:plain|html)\b", re.I)
_READ_ON: Final = re.compile(rb"\s*(?:text/(?:plain|html)|multipart/[a-z-]+)\b")
_SHORT: Final = 131_072
"""Octets of messages that are worth a look for less than finding their parts."""
_MENDED_RUNS: Final = 1_000
_OTHER: Final = re.compile(rb"[^A-Za-z0-9+/]+")


def may_have_attachments(header: bytes) -> bool:
    """False only where the message is a single text that no reader shows as a file: told by the header alone."""
    for name, value in _CONTENT.findall(b"\n" + header):
        if len(name) != 4 or b"name" in value.lower() or _TEXT.match(value) is None:
            return True
    return False


def attached(octets: bytes) -> tuple[tuple[Part, int], ...]:
    """The parts that are attachments, each with its depth; empty for mail that is only text."""
    if len(octets) <= _SHORT and not _announces_files(octets):
        return ()
    return tuple((part, depth) for part, depth in _leaves(scan(octets), 1) if not _body(part, depth))


def _announces_files(octets: bytes) -> bool:
    """Whether any line could be a field that makes a part a file: cheaper than finding the parts, which most mail can
    do without. Lines of the text that look so only cost that look."""
    lower = b"\n" + octets.lower()
    at = lower.find(b"\ncontent-")
    while at >= 0:
        field = _CONTENT.match(lower, at)
        if field is not None and (field[1] != b"type" or b"name" in field[2] or _READ_ON.match(field[2]) is None):
            return True
        at = lower.find(b"\ncontent-", at + 1)
    return False


def inspect(octets: bytes, limits: Limits) -> tuple[ContentFinding, ...]:
    """Of a whole message, header included. In order of discovery, at most MAX_OF_A_KIND of each kind; none twice."""
    return inspect_parts(attached(octets), limits)


def inspect_parts(parts: tuple[tuple[Part, int], ...], limits: Limits) -> tuple[ContentFinding, ...]:
    """The same for parts already found."""
    walk = _Walk(limits)
    if parts:
        walk.guarded("", lambda: walk.parts(parts, 0))
    return tuple(walk.found)


class _Walk:
    def __init__(self, limits: Limits) -> None:
        self.found: dict[ContentFinding, None] = {}
        self._budget = Budget(limits)
        self._counts: dict[ContentKind, int] = {}

    def add(self, kind: ContentKind, name: str, detail: str) -> None:
        count = self._counts.get(kind, 0)
        finding = ContentFinding(kind, cleaned(name), detail)
        if count < MAX_OF_A_KIND and finding not in self.found:
            self._counts[kind] = count + 1
            self.found[finding] = None

    def guarded(self, name: str, look: Callable[[], None]) -> None:
        """`look`, with what ends it made a finding."""
        try:
            look()
        except LimitReached as error:
            self.add(ContentKind.BOMB, name, error.limit)
        except Damaged:
            self.add(ContentKind.DAMAGED, name, "")

    def parts(self, parts: tuple[tuple[Part, int], ...], depth: int) -> None:
        for part, level in parts:
            if _past_limits(part, level):
                self.add(ContentKind.BOMB, "", "parts")
                continue
            name = _name(part)
            markup = part.maintype == b"text" and part.subtype in (b"html", b"xml")
            octets = decoded(part)
            if octets:
                self.guarded(name, lambda o=octets, n=name, m=markup: self.look(o, n, n, depth, m))  # type: ignore[misc]

    def look(self, octets: bytes, name: str, path: str, depth: int, markup: bool = False) -> None:
        """A whole file. `name`: its own; `path`: with what it lies in."""
        kind = sniff(octets)
        if kind is Kind.UNKNOWN:
            # Zip files are read from their end: what stands in front hides nothing from who opens it.
            kind = Kind.ZIP if octets.rfind(b"PK\x05\x06", -65_557) >= 0 else sniff_tail(octets[-512:])
        if kind is Kind.ZIP:
            self._zip(octets, name, path, depth)
        elif kind is Kind.OLE:
            self._ole(octets, name, path)
        elif kind in PACKED:
            self._packed(octets, kind, name, path, depth)
        elif kind is Kind.TAR:
            self._tar(Octets(memoryview(octets)), b"", path, depth)
        elif kind is Kind.ONENOTE:
            for at in office.onenote_files(octets):
                self._verdict(sniff(octets[at : at + PREFIX]), octets[at : at + PREFIX], "", path)
        elif kind is Kind.MESSAGE and extension(name) in ("", "eml", "txt", "msg"):
            self._budget.deeper(depth + 1)
            self._budget.entry()
            self.parts(attached(octets), depth + 1)
        else:
            if markup or kind is Kind.MARKUP or extension(name) in names.MARKUP:
                detail = active.active(octets)
                if detail:
                    self.add(ContentKind.ACTIVE_HTML, path, detail)
            self._verdict(kind, octets[:PREFIX], name, path)

    def _file(self, head: bytes, more: Callable[[int], bytes], name: str, path: str, depth: int) -> None:
        """A file in a container. `head`: its first octets; `more(n)`: its first n."""
        kind = sniff(head)
        if kind is Kind.UNKNOWN and len(head) == PREFIX and (may_be_disk(head) or extension(name) in names.IMAGES):
            kind = sniff(more(ISO_REACH))
        if kind in _WHOLE or extension(name) in names.MARKUP:
            held = self._budget.limits.held
            whole = more(held + 1)
            self._budget.hold(len(whole))
            self.guarded(path, lambda: self.look(whole, name, path, depth))
        else:
            self._verdict(kind, head, name, path)

    def _verdict(self, kind: Kind, head: bytes, name: str, path: str) -> None:
        """What a file that is no container is."""
        suffix = extension(name)
        runs = True
        if kind in EXECUTABLE:
            self.add(ContentKind.EXECUTABLE, path, kind.value)
        elif kind in DISK_IMAGE:
            self.add(ContentKind.DISK_IMAGE, path, kind.value)
        elif kind is Kind.SHEBANG or suffix in names.SCRIPTS:
            self.add(ContentKind.SCRIPT, path, kind.value if kind is Kind.SHEBANG else suffix)
        elif kind is Kind.UNKNOWN and suffix in names.EXECUTABLES and binary(head):
            self.add(ContentKind.EXECUTABLE, path, suffix)
        elif kind is Kind.UNKNOWN and suffix in names.IMAGES and binary(head):
            self.add(ContentKind.DISK_IMAGE, path, suffix)
        else:
            runs = False
            if kind in UNOPENED:
                self.add(ContentKind.UNOPENED, path, kind.value)
        hidden = names.disguise(name, runs=runs)
        if hidden:
            self.add(ContentKind.DISGUISED, path, hidden)

    def _zip(self, octets: bytes, name: str, path: str, depth: int) -> None:
        self._budget.deeper(depth + 1)
        archive = read_zip(octets, self._budget)
        if archive.damaged:
            self.add(ContentKind.DAMAGED, path, "zip")
        inside = [entry.name for entry in archive.entries]
        macros = office.zip_macros(inside)
        if macros:
            self.add(ContentKind.MACRO, path, macros)
        program = office.zip_program(inside)
        if program:
            self.add(ContentKind.EXECUTABLE, path, program)
        for entry in archive.entries:
            if entry.folder:
                continue
            below = f"{path}/{entry.name}"
            if entry.encrypted:
                self.add(ContentKind.ENCRYPTED, path, "zip")
                # The name is all there is.
                self._verdict(Kind.UNKNOWN, b"\0", entry.name, below)
                continue
            self.guarded(below, lambda e=entry, b=below: self._zipped(archive, e, b, depth))  # type: ignore[misc]
            if self._budget.octets < 0:
                return

    def _zipped(self, archive: Zip, entry: Entry, path: str, depth: int) -> None:
        def more(most: int) -> bytes:
            return archive.content(entry, self._budget, most) or b""

        head = archive.content(entry, self._budget)
        if head is None:
            self.add(ContentKind.UNOPENED, path, "method")
            self._verdict(Kind.UNKNOWN, b"\0", entry.name, path)
        elif head:
            self._file(head, more, entry.name, path, depth + 1)

    def _ole(self, octets: bytes, name: str, path: str) -> None:
        if office.ole_installer(octets):
            self._verdict(Kind.MSI, b"", name, path)
            return
        if office.ole_encrypted(octets):
            self.add(ContentKind.ENCRYPTED, path, "office")
        macros = office.ole_macros(octets)
        if macros:
            self.add(ContentKind.MACRO, path, macros)

    def _packed(self, octets: bytes, kind: Kind, name: str, path: str, depth: int) -> None:
        self._budget.deeper(depth + 1)
        stream = Unpacked(octets, kind, self._budget)
        head = stream.read(BLOCK)
        if sniff(head) is Kind.TAR:
            self._tar(stream, head, path, depth)
        else:
            head += stream.read(PREFIX - len(head))
            inner, _, suffix = name.rpartition(".")
            if suffix.lower() == "svgz":
                inner += ".svg"
            read = head

            def more(most: int) -> bytes:
                nonlocal read
                read += stream.read(most - len(read))
                return read

            self._file(head, more, inner, f"{path}/{inner}", depth + 1)
            stream.sample()
        if stream.damaged:
            self.add(ContentKind.DAMAGED, path, kind.value)

    def _tar(self, stream: Stream, first: bytes, path: str, depth: int) -> None:
        self._budget.deeper(depth + 1)
        for member in members(stream, self._budget, first):
            head = member.content(PREFIX)
            if not head:
                continue
            read = head

            def more(most: int, member: Member = member) -> bytes:
                nonlocal read
                read += member.content(most - len(read))
                return read

            self._file(head, more, member.name, f"{path}/{member.name}", depth + 1)


def decoded(part: Part) -> bytes:
    """The octets of a file, out of its transfer encoding; what is not of its alphabet is passed over."""
    content, encoding = part.content, part.encoding
    if encoding == b"base64":
        return _base64(content)
    if encoding == b"quoted-printable":
        return binascii.a2b_qp(content)
    if encoding in (b"x-uuencode", b"x-uue", b"uuencode"):
        return _uuencoded(content)
    return content


def _base64(content: bytes) -> bytes:
    # Padding in the middle ends it for binascii, and not for every mail reader.
    first = content.find(b"=")
    if first < 0 or not content[first:].strip(b"= \t\r\n") or content.count(b"=") > _MENDED_RUNS:
        try:
            return binascii.a2b_base64(content)
        except binascii.Error:
            pass
    pieces = []
    for run in content.split(b"=", _MENDED_RUNS):
        run = _OTHER.sub(b"", run)
        run = run[: len(run) - (len(run) % 4 == 1)]
        pieces.append(binascii.a2b_base64(run + b"=" * (-len(run) % 4)))
    return b"".join(pieces)


def _uuencoded(content: bytes) -> bytes:
    pieces = []
    for line in content.splitlines():
        if line.startswith(b"begin ") or not line:
            continue
        if line == b"end":
            break
        try:
            pieces.append(binascii.a2b_uu(line))
        except binascii.Error:
            continue  # one bad line costs itself
    return b"".join(pieces)


def _leaves(root: Part, depth: int) -> Iterator[tuple[Part, int]]:
    stack = [(root, depth)]
    while stack:
        part, depth = stack.pop()
        if part.message is not None:
            stack.append((part.message, depth + 1))
        elif part.children:
            stack.extend((child, depth + 1) for child in reversed(part.children))
        else:
            yield part, depth


def _body(part: Part, depth: int) -> bool:
    if part.maintype not in (b"text", b"message") or _past_limits(part, depth):
        return False
    if part.disposition is not None:
        kind, parameters = part.disposition
        if kind == b"attachment" or _named(parameters, b"filename"):
            return False
    return not _named(part.parameters, b"name")


def _past_limits(part: Part, depth: int) -> bool:
    """Whether the scanner stopped here: an opaque rest, in which anything may lie, or a header not read to its end."""
    rest = part.start == part.body < part.end and part.maintype == b"application"
    return rest or depth >= MAX_DEPTH or part.body - part.start > MAX_HEADER


def _named(parameters: Parameters, name: bytes) -> bool:
    return any(found.partition(b"*")[0] == name for found, _ in parameters)


def _name(part: Part) -> str:
    if part.disposition is not None:
        found = parameter_text(part.disposition[1], b"filename")
        if found:
            return found
    return parameter_text(part.parameters, b"name") or ""
