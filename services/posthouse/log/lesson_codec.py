"""Lessons ↔ records of `mail.learn.v1`. Decoding trusts nothing, as codec.py says."""

from __future__ import annotations

import uuid

from google.protobuf.message import DecodeError

from posthouse.events.v1 import learning_pb2 as pb
from posthouse.model.errors import Invalid
from posthouse.model.ids import AccountId, ModSeq
from posthouse.model.lesson import Lesson
from posthouse.model.mailbox import email_id_of

SCHEMA_V = 1
_LENGTH = 16


def encode_lesson(lesson: Lesson) -> bytes:
    return pb.Lesson(
        account=lesson.account.bytes,
        email_id=lesson.email_id.bytes,
        junk=lesson.junk,
        modseq=lesson.modseq,
        at_us=lesson.at_us,
        schema_v=SCHEMA_V,
    ).SerializeToString()


def decode_lesson(octets: bytes) -> Lesson:
    """Invalid when it is none."""
    message = pb.Lesson()
    try:
        message.ParseFromString(octets)
    except DecodeError as error:
        raise Invalid(f"no lesson: {error}") from error
    if len(message.account) != _LENGTH or len(message.email_id) != _LENGTH or not message.modseq:
        raise Invalid("a lesson without account, email or modseq")
    account = AccountId(uuid.UUID(bytes=message.account))
    return Lesson(account, email_id_of(message.email_id), message.junk, ModSeq(message.modseq), message.at_us)
