"""A model file is exact, refuses damage and runs nothing."""

import hashlib
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.spam_mail import small_model, spam
from posthouse.spam.models.model_file import MAGIC, BadModelError, dump, load, version_of
from posthouse.spam.scorer import Scorer


def test_a_model_comes_back_and_scores_the_same() -> None:
    octets = dump(small_model())
    again = load(octets)
    assert dump(again) == octets
    assert again.version == version_of(octets) == small_model().version
    assert Scorer(again).score(spam(999)).score == Scorer(small_model()).score(spam(999)).score


def test_it_is_small() -> None:
    assert len(dump(small_model())) < 1_000_000


@pytest.mark.parametrize("octets", [b"", b"x", MAGIC, MAGIC + b"\0" * 40, b"PHSPAM\x00\x02" + b"\0" * 40])
def test_what_is_no_model_is_refused(octets: bytes) -> None:
    with pytest.raises(BadModelError):
        load(octets)


def test_every_changed_octet_is_noticed() -> None:
    octets = bytearray(dump(small_model()))
    for place in (0, 10, 300, len(octets) // 2, len(octets) - 1):
        octets[place] ^= 1
        with pytest.raises(BadModelError):
            load(bytes(octets))
        octets[place] ^= 1


def sealed(body: bytes) -> bytes:
    return body + hashlib.sha256(body).digest()


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_a_right_checksum_over_junk_is_refused_too(junk: bytes) -> None:
    with pytest.raises(BadModelError):
        load(sealed(MAGIC + struct.pack("<I", len(junk)) + junk))


def test_an_array_that_unpacks_to_more_than_it_says_is_refused() -> None:
    octets = dump(small_model())[:-32]
    (length,) = struct.unpack_from("<I", octets, len(MAGIC))
    start = len(MAGIC) + 4
    manifest = octets[start : start + length].replace(b'["content","<f2",[65536]', b'["content","<f2",[32768]')
    assert len(manifest) == length
    with pytest.raises(BadModelError, match="length"):
        load(sealed(octets[:start] + manifest + octets[start + length :]))


def test_weights_are_as_they_were_rounded_at_training() -> None:
    model = small_model()
    assert np.array_equal(model.content.weights.astype(np.float16).astype(np.float32), model.content.weights)
