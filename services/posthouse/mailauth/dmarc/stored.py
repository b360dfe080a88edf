"""Rows of aggregate reports as documents: what a store keeps, and the report job reads. Pure.

The same row gives the same document, octet for octet, in every process of a version, so that counts can be added up by
it. A document of another version that lacks or has more than this one's fields is Invalid: rows live two weeks.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson

from posthouse.mailauth.dmarc.counters import PublishedPolicy, Row
from posthouse.model.authentication import DmarcPolicy
from posthouse.model.errors import Invalid


def document_of(row: Row) -> str:
    """Text that came from the network as no UTF-8 stands as it would be shown, with U+FFFD."""
    return orjson.dumps(_plain(dataclasses.asdict(row)), option=orjson.OPT_SORT_KEYS).decode()


def row_from(document: str) -> Row:
    """Invalid when it is none."""
    try:
        fields = orjson.loads(document)
        published = fields.pop("published")
        for name in ("policy", "subdomains", "nonexistent"):
            if published[name] is not None:
                published[name] = DmarcPolicy(published[name])
        published["rua"] = tuple(published["rua"])
        spf = fields.pop("spf")
        dkim = tuple([(str(domain), str(selector), str(result)) for domain, selector, result in fields.pop("dkim")])
        return Row(
            published=PublishedPolicy(**published),
            reasons=tuple(fields.pop("reasons")),
            dkim=dkim,
            spf=None if spf is None else (str(spf[0]), str(spf[1])),
            **fields,
        )
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as e:
        raise Invalid(f"no row of an aggregate report: {e}") from e


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value
