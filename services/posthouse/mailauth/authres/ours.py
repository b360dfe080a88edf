"""Which incoming Authentication-Results claim to be from us, so that they are cut at the border (RFC 8601 §5)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from posthouse.mailauth.authres.parse import AuthresSyntaxError, writer
from posthouse.mailauth.domains import a_labels

MAX_HEAD: Final = 4_096
"""Octets in which the authserv-id must end; beyond, the field counts as malformed."""


class OurNames:
    """The authserv-ids that this platform writes, or has written: host names as a rule."""

    __slots__ = ("_names", "_texts")

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(_normal(name) for name in names if name)
        self._texts = tuple(name.encode() for name in self._names)

    def claimed_by(self, value: bytes) -> bool:
        """`value`: what follows the colon, folded or not.

        A name matches without regard to case, quotes, comments, a version behind it or a dot at its end, as U-labels
        too. Of a field that is malformed nobody knows what its readers make of it: it is ours if it names us anywhere.
        """
        try:
            authserv_id, _ = writer(value[:MAX_HEAD].decode("utf-8", "surrogateescape"))
        except AuthresSyntaxError:
            lower = value.lower()
            return any(text in lower for text in self._texts)
        return _normal(authserv_id) in self._names


def _normal(name: str) -> str:
    name = name.strip()
    return a_labels(name) or name.lower()
