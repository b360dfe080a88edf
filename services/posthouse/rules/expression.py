"""Formulas over symbols: `A and (B or not C)`, kept in postfix order, so that no depth of brackets needs a stack of
calls."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from posthouse.model.errors import Invalid

MAX_TOKENS: Final = 200
_TOKEN = re.compile(r"\s*(?:(and|or|not)\b|([A-Z][A-Z0-9_]*)\b|([()]))")
_STRENGTH: Final = {"or": 1, "and": 2, "not": 3}


def formula(text: str) -> tuple[str, ...]:
    """Postfix. Invalid with a text that says where it goes wrong."""
    output: list[str] = []
    pending: list[str] = []
    wants_value, at, count = True, 0, 0
    text = text.rstrip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise _wrong(f"unexpected {text[at:].strip()[:20]!r}")
        at, count = token.end(), count + 1
        if count > MAX_TOKENS:
            raise _wrong(f"more than {MAX_TOKENS} words")
        word = token[0].strip()
        if word in ("not", "(") or token[2]:
            if not wants_value:
                raise _wrong(f"'and' or 'or' is missing before {word!r}")
            if token[2]:
                output.append(word)
                wants_value = False
            else:
                pending.append(word)
            continue
        if wants_value:
            raise _wrong(f"a name is missing before {word!r}")
        if word == ")":
            while pending and pending[-1] != "(":
                output.append(pending.pop())
            if not pending:
                raise _wrong("a ')' too many")
            pending.pop()
            continue
        while pending and _STRENGTH.get(pending[-1], 0) >= _STRENGTH[word]:
            output.append(pending.pop())
        pending.append(word)
        wants_value = True
    if wants_value:
        raise _wrong("it ends where a name is missing" if count else "it is empty")
    while pending:
        if pending[-1] == "(":
            raise _wrong("a ')' is missing")
        output.append(pending.pop())
    return tuple(output)


def names(postfix: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in postfix if word not in _STRENGTH))


def holds(postfix: Sequence[str], symbols: Collection[str]) -> bool:
    """Whether the formula is true of the symbols that are there."""
    stack: list[bool] = []
    for word in postfix:
        if word == "not":
            stack.append(not stack.pop())
        elif word in _STRENGTH:
            right, left = stack.pop(), stack.pop()
            stack.append(left and right if word == "and" else left or right)
        else:
            stack.append(word in symbols)
    return stack[0]


def _wrong(what: str) -> Invalid:
    return Invalid(f"formula: {what}", public=what)
