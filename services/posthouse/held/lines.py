"""The lines that a held copy carries on top: what happened, for people; and the delivery itself, for its release.

Pure. The delivery rides as its own record (without the body, which is the copy's), so that a release is the original
delivery with the original ids, whether or not the log still has it.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, replace

from posthouse.log.codec import decode_deliver, encode_deliver
from posthouse.model.envelope import Body, Deliver
from posthouse.model.errors import Invalid

_NO_BODY = Body(0, octets=b"")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_FOLD = 76
_LINE = re.compile(rb"^X-Posthouse-Held-(Reason|At|Record):((?:[^\r\n]++|\r\n[ \t])*+)\r\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class HeldNote:
    """What the lines say."""

    deliver: Deliver
    """With an empty body."""
    reason: str
    held_us: int


def held_lines(deliver: Deliver, reason: str, held_us: int) -> bytes:
    record = base64.b64encode(encode_deliver(replace(deliver, body=_NO_BODY))).decode()
    folded = "\r\n ".join([record[at : at + _FOLD] for at in range(0, len(record), _FOLD)])
    lines = (
        f"X-Posthouse-Held-Reason: {_CONTROL.sub(' ', reason)}\r\n"
        f"X-Posthouse-Held-Queue-Id: {deliver.queue_id}\r\n"
        f"X-Posthouse-Held-Rcpt: {_CONTROL.sub(' ', deliver.rcpt.address)}\r\n"
        f"X-Posthouse-Held-At: {held_us}\r\n"
        f"X-Posthouse-Held-Record: {folded}\r\n"
    )
    return lines.encode("utf-8", "replace")


def parse_held_lines(prefix: bytes) -> HeldNote:
    """Invalid when the prefix is not that of a held copy."""
    found = {name: re.sub(rb"\r\n[ \t]", b"", value).strip() for name, value in _LINE.findall(prefix)}
    try:
        deliver = decode_deliver(base64.b64decode(found[b"Record"], validate=True))
        return HeldNote(deliver, found[b"Reason"].decode("utf-8", "replace"), int(found[b"At"]))
    except (KeyError, ValueError, binascii.Error) as error:
        raise Invalid("not the prefix of a held delivery") from error
