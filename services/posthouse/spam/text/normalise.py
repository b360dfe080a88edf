"""Letters as a reader reads them: compatibility forms and confusables folded, invisible characters gone.

What was folded or removed is counted: that a text hides is evidence of its own. Not done here: markup (html.py).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

# Characters without width or with a say in direction only; soft hyphen; variation selectors; tags (U+E0000).
_INVISIBLE: Final = (
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10),
    *range(0xE0000, 0xE0080),
    *(0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x3164, 0xFEFF, 0xFFA0),
)
# After Unicode's confusables.txt: letters of Cyrillic, Greek, Armenian, Cherokee and Latin extensions that read as
# ASCII. Lower case is made first, so that one form of each is enough.
_LOOK: Final = {
    "a": "аαɑạӑä",
    "b": "ьƅɓ",
    "c": "сϲⅽ",
    "d": "ԁɗժ",
    "e": "еєҽεё",
    "f": "ƒϝ",
    "g": "ɡցğ",
    "h": "һհ",
    "i": "іιıɩїí",
    "j": "јϳ",
    "k": "кκ",
    "l": "ӏⅼǀļ",
    "m": "мⅿ",
    "n": "пոηñ",
    "o": "оοօσөöó",
    "p": "рρ",
    "q": "ԛգ",
    "r": "гɼ",
    "s": "ѕʂꜱ",
    "t": "тτţ",
    "u": "υսцüú",
    "v": "ѵνⅴ",
    "w": "ԝωшա",
    "x": "хχⅹ",
    "y": "уγүý",
    "z": "ʐżž",
}
_FOLD: Final = {ord(look): letter for letter, looks in _LOOK.items() for look in looks}
_TABLE: Final[dict[int, str | None]] = {**dict.fromkeys(_INVISIBLE), **_FOLD}
_INVISIBLES: Final = frozenset(map(chr, _INVISIBLE))
# A word of Latin and of look-alike letters both: no language writes so.
_MIXED = re.compile(
    r"[\u0370-\u03ff\u0400-\u052f\u0531-\u0587](?:['’]?[a-z]|(?<=[a-z].))",
)
# Digits and marks that stand for letters inside a word; numbers and names like mp3 or win2000 stay.
_LEET_WORD = re.compile(
    r"(?<![a-z0-9@$])(?:[0134578@$]{1,2}[a-z]|[a-z])[a-z]*(?:[0134578@$]{1,2}[a-z]+)+[0134578@$]{0,2}(?![a-z0-9@$])"
)
# Begins with what is rare, so that a text without it costs one scan.
LEET_MARK = re.compile(r"[0134578@$](?<=[a-z].)[0134578@$]?[a-z]")
_LEET: Final = str.maketrans("0134578@$", "oieastbas")
_FOREIGN = re.compile(r"[^\x00-\x7f]")
_MANY: Final = 300
"""Characters that are no ASCII from which a table is faster than a search for each."""


@dataclass(frozen=True, slots=True)
class Normalised:
    text: str
    """Lower case, runs of white space one space."""
    invisible: int = 0
    """Invisible characters taken out."""
    mixed: int = 0
    """Places where Latin and look-alike letters of another script meet inside a word."""


def normalise(text: str) -> Normalised:
    """Folds `text`; never raises, whatever the code points."""
    if text.isascii():
        return Normalised(" ".join(text.lower().split()))
    unusual = _FOREIGN.findall(text)
    invisible = 0
    # Few texts have any; to look for them as a class of characters costs a millisecond in all.
    if not _INVISIBLES.isdisjoint(unusual):
        invisible = sum(character in _INVISIBLES for character in unusual)
        text = _FOREIGN.sub(lambda found: "" if found[0] in _INVISIBLES else found[0], text)
    text = unicodedata.normalize("NFKC", text).lower()
    foreign = len(_FOREIGN.findall(text))
    mixed = len(_MIXED.findall(text)) if foreign else 0
    if foreign > _MANY:
        text = text.translate(_TABLE)
    elif foreign:
        text = _FOREIGN.sub(lambda found: _TABLE.get(ord(found[0]), found[0]) or "", text)
    return Normalised(" ".join(text.split()), invisible, mixed)


def unleet(text: str) -> str:
    """Normalised text with the letters that digits stand for: `v1agra`, `fr33dom`."""
    if LEET_MARK.search(text) is None:
        return text
    words = text.split(" ")
    for place, word in enumerate(words):
        if not word.isalpha() and LEET_MARK.search(word) is not None:
            words[place] = _LEET_WORD.sub(lambda found: found[0].translate(_LEET), word)
    return " ".join(words)


def fold(text: str) -> str:
    """Only the text."""
    return normalise(text).text
