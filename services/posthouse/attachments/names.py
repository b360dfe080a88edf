"""What the name of a file says: what a system would do with it, and whether it hides something.

Scripts have no magic, so for them the name decides: Windows runs `x.js` because it is called so.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_NAME: Final = 120
"""Characters of a name that are kept."""
_READ: Final = 1024


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SCRIPTS: Final = _words(
    "bat cmd vbs vbe js jse wsf wsh wsc sct hta ps1 ps1xml psm1 psc1 reg inf scf url website "
    "application settingcontent-ms library-ms search-ms appref-ms jnlp command workflow applescript scpt"
)
EXECUTABLES: Final = _words(
    "exe com scr pif cpl msi msp mst msix msixbundle appx appxbundle dll ocx sys lnk chm jar xll gadget "
    "apk app elf run xbap"
)
IMAGES: Final = _words("iso img udf vhd vhdx vmdk dmg qcow2")
MARKUP: Final = _words("html htm shtml xhtml xht mht mhtml svg svgz")
_HARMLESS: Final = _words(
    "pdf doc docx xls xlsx ppt pptx rtf txt csv jpg jpeg png gif bmp tif tiff mp3 mp4 wav avi mov zip ics vcf "
    "odt ods odp htm html xml eml msg"
)
# Characters that turn the direction of what follows: `annexe[RLO]fdp.exe` reads as annexeexe.pdf.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")
_SPACES = re.compile(r"\s{5,}")


def extension(name: str) -> str:
    """Lower case, without the dot; empty where there is none. Dots and spaces at the end are dropped, as Windows does,
    and what stands behind a `:` (streams of NTFS)."""
    last = re.split(r"[/\\]", name[-_READ:])[-1].partition(":")[0].rstrip(". \t\0")
    _, dot, found = last.rpartition(".")
    return _TURNING.sub("", found).strip().lower() if dot else ""


def cleaned(name: str) -> str:
    """For people and logs: one line, nothing that turns or hides, at most MAX_NAME characters with the end kept."""
    text = "".join(
        char if unicodedata.category(char)[0] not in "C" else "\N{REPLACEMENT CHARACTER}" for char in name[-_READ:]
    )
    return text if len(text) <= MAX_NAME else "…" + text[-(MAX_NAME - 1) :]


def disguise(name: str, *, runs: bool) -> str:
    """How a name hides what it is; empty where it does not. `runs`: the file is one that a system would run."""
    name = name[-_READ:]
    if _TURNING.search(name):
        return "turned"
    if not runs:
        return ""
    if extension(name) in _HARMLESS:
        return "type"
    if _SPACES.search(name):
        return "spaces"
    front = name.rpartition(".")[0]
    return "double" if extension(front) in _HARMLESS else ""
