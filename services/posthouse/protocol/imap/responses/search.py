"""SEARCH data (RFC 3501 §7.2.5; MODSEQ of RFC 7162 §3.1.5)."""

from collections.abc import Sequence


def search_line(numbers: Sequence[int], modseq: int | None) -> bytes:
    """`modseq`: the highest of the messages found, when the search had a MODSEQ key and found any."""
    found = b"".join([b" %d" % n for n in numbers])
    if modseq is not None and numbers:
        return b"* SEARCH%b (MODSEQ %d)\r\n" % (found, modseq)
    return b"* SEARCH%b\r\n" % found
