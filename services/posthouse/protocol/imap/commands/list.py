"""LIST and LSUB (RFC 3501 §6.3.8, §6.3.9), and which names a pattern means."""

import re
from dataclasses import dataclass

from posthouse.model.mailbox import SEPARATOR
from posthouse.protocol.imap.lexer import Lexer


@dataclass(frozen=True, slots=True)
class List:
    reference: str
    pattern: str
    subscribed: bool = False
    """LSUB."""


def parse_list(lexer: Lexer) -> List:
    return _parse(lexer, subscribed=False)


def parse_lsub(lexer: Lexer) -> List:
    return _parse(lexer, subscribed=True)


def _parse(lexer: Lexer, *, subscribed: bool) -> List:
    lexer.space()
    reference = lexer.mailbox()
    lexer.space()
    return List(reference, lexer.list_pattern(), subscribed)


def compile_pattern(reference: str, pattern: str) -> re.Pattern[str]:
    """RFC 3501 §6.3.8: `*` is anything, `%` anything but the separator; INBOX matches in any case.

    Runs of wildcards are folded to one, so that the expression has no nested repetition to explode on."""
    full = reference + pattern
    if full[:5].upper() == "INBOX" and (len(full) == 5 or full[5] in "/*%"):
        full = "INBOX" + full[5:]
    out: list[str] = []
    for run in re.split(r"([*%]+)", full):
        if run and run[0] in "*%":
            out.append(".*" if "*" in run else f"[^{SEPARATOR}]*")
        else:
            out.append(re.escape(run))
    return re.compile("".join(out), re.DOTALL)
