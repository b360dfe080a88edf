"""Mutation fuzz of the MIME scanner and the row: any octets give a tree, a legal answer, and a row that reads back.

The oracle: nothing raises, except what a damaged *row* documents (RowVersionError, struct.error, IndexError). Rounds
are seeded, so a failure repeats; POSTHOUSE_FUZZ_ROUNDS makes it longer (default 1,200 per seed, some seconds in all).
"""

import os
import random
import struct
import time

import pytest

from harness.corpus import KINDS, message
from harness.imap_grammar import read_body, read_envelope
from posthouse.protocol.mime.addresses import addresses
from posthouse.protocol.mime.header import Headers
from posthouse.protocol.mime.parameters import parameter_text
from posthouse.protocol.mime.prepared import RowVersionError, decode, encode, envelope_of, outline_of, prepare
from posthouse.protocol.mime.scan import MAX_DEPTH, MAX_PARTS, Part, scan
from posthouse.protocol.mime.sections import Section, Text, resolve
from posthouse.protocol.mime.words import decode_words

_ROUNDS = int(os.environ.get("POSTHOUSE_FUZZ_ROUNDS", "1200"))
_TOKENS = (
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"--", b"\r\n--", b": ", b";", b"=", b'"', b"\\", b"(", b")", b"<", b">"),
    *(b"@", b",", b"\0", b"\xff", b" ", b"\t", b"*0*=", b"=?utf-8?b?", b"?=", b"multipart/mixed", b"message/rfc822"),
    *(b"multipart/digest; boundary=", b"Content-Type: ", b"Content-Transfer-Encoding: base64\r\n", b"boundary="),
)


def _mutated(rng: random.Random, octets: bytes) -> bytes:
    data = bytearray(octets)
    for _ in range(rng.choice((1, 1, 2, 4, 12))):
        at = rng.randrange(len(data) + 1)
        length = rng.choice((1, 2, 8, 64, 500))
        match rng.randrange(6):
            case 0:
                del data[at : at + length]
            case 1:
                data[at:at] = rng.choice(_TOKENS) * rng.choice((1, 1, 1, 30))
            case 2:
                data[at : at + length] = rng.randbytes(min(length, 8))
            case 3:
                source = rng.randrange(len(data) + 1)
                data[at:at] = data[source : source + length]
            case 4 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case _:
                del data[at:]
    return bytes(data)


def _count(part: Part, level: int = 1) -> int:
    assert level <= MAX_DEPTH
    assert part.start <= part.body <= part.end
    below = [*part.children, *([] if part.message is None else [part.message])]
    at = part.body
    for child in below:
        assert at <= child.start
        assert child.end <= part.end
        at = child.end
    return 1 + sum(_count(child, level + 1) for child in below)


def _check(octets: bytes, rng: random.Random) -> None:
    root = scan(octets)
    assert _count(root) <= MAX_PARTS
    made = prepare(octets)
    row = encode(made)
    assert decode(row) == made
    read_envelope(envelope_of(row))
    read_body(made.body, extended=False)
    read_body(made.bodystructure, extended=True)
    path = tuple(rng.randint(1, 3) for _ in range(rng.randint(0, 4)))
    text = rng.choice([t for t in Text if path or t is not Text.MIME])
    section = Section(path, text, (b"Subject", b"Content-Type") if text.value.startswith("HEADER.FIELDS") else ())
    extent = resolve(outline_of(row), section, prefix=b"X: y\r\n", partial=rng.choice((None, (3, 50))))
    if extent is not None:
        assert 0 <= extent.start <= extent.end <= len(octets)
        extent.assemble(octets[extent.start : extent.end])
    for _, field in Headers(root.header):
        value = field.partition(b":")[2]
        decode_words(value)
        addresses(value)
    for name, _ in root.parameters:
        parameter_text(root.parameters, name)


@pytest.mark.parametrize("seed", range(3))
def test_mutated_mail(seed: int) -> None:
    rng = random.Random(f"mime/{seed}")
    seeds = [message(kind, rng.choice((300, 1_500, 4_000)), seed) for kind in KINDS]
    for _ in range(_ROUNDS):
        octets = _mutated(rng, rng.choice(seeds))
        if len(seeds) < 200:
            seeds.append(octets)
        try:
            before = time.process_time()
            _check(octets[:20_000], rng)
            assert time.process_time() - before < 1
        except BaseException:
            print(f"octets: {octets!r}")
            raise


def test_token_soup() -> None:
    rng = random.Random("mime/soup")
    for _ in range(_ROUNDS):
        boundary = rng.choice((b"b", b"bb", b"b-"))
        head = b"Content-Type: multipart/mixed; boundary=" + boundary + b"\r\n\r\n"
        soup = b"".join(rng.choice((*_TOKENS, b"--" + boundary, b"\r\n--" + boundary)) for _ in range(60))
        _check(head + soup, rng)


def test_damaged_rows_fail_as_documented() -> None:
    rng = random.Random("mime/rows")
    rows = [encode(prepare(message(kind, 2_000))) for kind in KINDS]
    for _ in range(_ROUNDS):
        row = bytearray(rng.choice(rows))
        for _ in range(3):
            row[rng.randrange(len(row))] = rng.randrange(256)
        damaged = bytes(row[: rng.choice((len(row), rng.randrange(1, len(row))))])
        for read in (decode, envelope_of, outline_of):
            try:
                read(damaged)
            except (RowVersionError, struct.error, IndexError):
                continue
