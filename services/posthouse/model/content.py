"""What was found in a message's content before its 250: typed, and never computed again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from posthouse.model.verdict import VerdictKind


class ContentKind(StrEnum):
    VIRUS = "virus"
    EXECUTABLE = "executable"
    DISK_IMAGE = "disk-image"
    SCRIPT = "script"
    """A file that a system runs by its name (.js, .vbs, .bat) or its first line (#!)."""
    ACTIVE_HTML = "active-html"
    """An attached page or picture with scripts in it."""
    MACRO = "macro"
    ENCRYPTED = "encrypted"
    """An archive or document that cannot be looked into without a password."""
    BOMB = "bomb"
    """More than the limits allow to be unpacked: nobody has seen all of it."""
    UNOPENED = "unopened"
    """An archive of a kind that is recognised and not opened."""
    DAMAGED = "damaged"
    """An archive that ends early or contradicts itself."""
    DISGUISED = "disguised"
    """A name that hides what the file is."""
    OTHER = "other"
    """Written by a newer version."""


@dataclass(frozen=True, slots=True)
class ContentFinding:
    kind: ContentKind
    name: str = ""
    """Of the file, cleaned, the containers in front (`invoice.zip/invoice.exe`); foreign text. Of a virus: what the
    scanner calls it."""
    detail: str = ""
    """Our own word for what it is (`pe`, `vba`, `entries`)."""
    asks: VerdictKind = VerdictKind.ACCEPT
    """What the platform's policy wants done about it; decided where it was found, so that all stages agree."""

    @property
    def reason(self) -> str:
        """For verdicts: our own words, and the scanner's name of a virus; nothing of the message."""
        return f"virus-{self.name}" if self.kind is ContentKind.VIRUS else f"attachment-{self.kind.value}"
