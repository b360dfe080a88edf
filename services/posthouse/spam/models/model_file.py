"""A model as octets: magic, a manifest in JSON, arrays, and a SHA-256 of all of it. No pickle: nothing in it can run.

Linear weights lie as float16 (training rounds them first, so that a model scores the same before and after). The same
model gives the same octets.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from posthouse.spam.features.rules import NAMES as RULES
from posthouse.spam.features.structure import CONTENT, NAMES
from posthouse.spam.models.fusion import Fusion
from posthouse.spam.models.linear import Linear
from posthouse.spam.models.model import CHANNELS, LocalThreshold, Model
from posthouse.spam.models.trees import Trees

MAGIC: Final = b"PHSPAM\x00\x02"
MAX_MODEL: Final = 64 * 1024 * 1024
"""Octets of a model file, and of what is in it when unpacked."""
_DTYPES: Final = ("<f2", "<f4", "<i2")
_LENGTH: Final = struct.Struct("<I")


class BadModelError(ValueError):
    """The octets are no model that this version can use; the text says why."""


def dump(model: Model) -> bytes:
    """The file. Deterministic."""
    arrays: dict[str, npt.NDArray[Any]] = {
        "content": model.content.weights.astype("<f2"),
        "words": model.words.weights.astype("<f2"),
        "header": model.header.weights.astype("<f2"),
        "rules": model.rules.astype("<f4"),
    }
    for name, trees in (("body", model.body), ("whole", model.whole)):
        arrays[f"{name}.features"] = trees.features.astype("<i2")
        arrays[f"{name}.thresholds"] = trees.thresholds.astype("<f4")
        arrays[f"{name}.values"] = trees.values.astype("<f4")
    packed = {name: zlib.compress(array.tobytes(), 6) for name, array in arrays.items()}
    manifest = {
        "arrays": [[n, a.dtype.str, list(a.shape), len(packed[n])] for n, a in arrays.items()],
        "biases": {
            "content": model.content.bias,
            "words": model.words.bias,
            "header": model.header.bias,
            "body": model.body.bias,
            "whole": model.whole.bias,
        },
        "fusion": {"weights": model.fusion.weights, "caps": model.fusion.caps, "bias": model.fusion.bias},
        "threshold": model.threshold,
        "local": {name: [t.threshold, t.ham] for name, t in sorted(model.local.items())},
        "ham_quantiles": model.ham_quantiles,
        "features": NAMES,
        "rules": RULES,
        "card": model.card,
    }
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    body = MAGIC + _LENGTH.pack(len(text)) + text + b"".join(packed.values())
    return body + hashlib.sha256(body).digest()


def version_of(octets: bytes) -> str:
    """What a file is called: the start of its checksum."""
    return octets[-32:].hex()[:12]


def load(octets: bytes) -> Model:
    """The model in a file. Raises BadModelError."""
    if len(octets) > MAX_MODEL:
        raise BadModelError("too large for a model")
    if len(octets) < len(MAGIC) + _LENGTH.size + 32 or not octets.startswith(MAGIC[:6]):
        raise BadModelError("not a model of Posthouse")
    if not octets.startswith(MAGIC):
        raise BadModelError("a model of another version of Posthouse")
    body, checksum = octets[:-32], octets[-32:]
    if hashlib.sha256(body).digest() != checksum:
        raise BadModelError("damaged: its checksum does not match")
    try:
        return replace(_read(body), version=version_of(octets))
    except (KeyError, IndexError, TypeError, ValueError, struct.error, zlib.error) as error:
        raise BadModelError(f"not readable: {error}") from error


def _read(body: bytes) -> Model:
    start = len(MAGIC) + _LENGTH.size
    (length,) = _LENGTH.unpack_from(body, len(MAGIC))
    manifest = json.loads(body[start : start + length])
    if tuple(manifest["features"]) != NAMES or tuple(manifest["rules"]) != RULES:
        raise BadModelError("made for other features than this version has: train it anew")
    arrays: dict[str, npt.NDArray[Any]] = {}
    at, room = start + length, MAX_MODEL
    for name, dtype, shape, size in manifest["arrays"]:
        if dtype not in _DTYPES:
            raise BadModelError(f"array {name} is of a type that models do not have")
        expected = math.prod(shape) * np.dtype(dtype).itemsize
        room -= expected
        if room < 0:
            raise BadModelError("too large when unpacked")
        unpacked = zlib.decompressobj().decompress(body[at : at + size], expected + 1)
        if len(unpacked) != expected:
            raise BadModelError(f"array {name} has not the length it says")
        arrays[name] = np.frombuffer(unpacked, dtype).reshape(shape)
        at += size
    biases: Mapping[str, float] = manifest["biases"]
    fusion = manifest["fusion"]
    if not len(fusion["weights"]) == len(fusion["caps"]) == len(CHANNELS) or len(arrays["rules"]) != len(RULES) + 1:
        raise BadModelError("channels or rules are missing")
    return Model(
        content=_linear(arrays["content"], biases["content"]),
        words=_linear(arrays["words"], biases["words"]),
        header=_linear(arrays["header"], biases["header"]),
        body=_trees(arrays, "body", biases["body"], len(CONTENT)),
        whole=_trees(arrays, "whole", biases["whole"], len(NAMES)),
        rules=arrays["rules"].astype(np.float32),
        fusion=Fusion(tuple(map(float, fusion["weights"])), tuple(map(float, fusion["caps"])), float(fusion["bias"])),
        threshold=float(manifest["threshold"]),
        local={name: LocalThreshold(float(t), int(n)) for name, (t, n) in manifest["local"].items()},
        ham_quantiles=tuple(map(float, manifest["ham_quantiles"])),
        card=manifest["card"],
    )


def _linear(weights: npt.NDArray[Any], bias: float) -> Linear:
    if weights.ndim != 1 or len(weights).bit_count() != 1:
        raise BadModelError("weights are not a power of two")
    return Linear(weights.astype(np.float32), float(bias))


def _trees(arrays: Mapping[str, npt.NDArray[Any]], name: str, bias: float, width: int) -> Trees:
    features = arrays[f"{name}.features"].astype(np.int16)
    thresholds = arrays[f"{name}.thresholds"].astype(np.float32)
    values = arrays[f"{name}.values"].astype(np.float32)
    trees, depth = features.shape
    if thresholds.shape != (trees, depth) or values.shape != (trees, (2 << depth) - 1):
        raise BadModelError("trees have not the form of trees")
    if trees and not 0 <= int(features.min()) <= int(features.max()) < width:
        raise BadModelError("trees ask about features that are not there")
    return Trees(features, thresholds, values, float(bias))
