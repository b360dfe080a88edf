"""Files of `posthouse filter`: models, users' deltas, and how both are shown."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posthouse.cli.exits import CommandError
from posthouse.cli.output import pairs

if TYPE_CHECKING:
    from posthouse.spam.learning.user_delta import UserDelta
    from posthouse.spam.models.model import Model
    from posthouse.spam.scorer import Scored


def load_model(path: Path | None) -> Model:
    """The model of a file, or the shipped one."""
    from posthouse.spam.models.model_file import BadModelError, load

    place = path or shipped()
    try:
        return load(place.read_bytes())
    except OSError as error:
        raise CommandError(f"{place} cannot be read: {error.strerror}") from error
    except BadModelError as error:
        raise CommandError(f"{place}: {error}") from error


def shipped() -> Path:
    """The cold-start model of the package."""
    from posthouse.spam.shipped import COLD_START

    return COLD_START


def write_file(path: Path, octets: bytes) -> None:
    """Whole or not at all: who reads the file meanwhile sees the old one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(octets)
        beside.replace(path)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error


def delta_path(model: Path, user: str) -> Path:
    """Where a user's delta lies: beside the model, under a name that no user can steer."""
    name = hashlib.sha256(user.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return model.with_name(model.name + ".users") / f"{name}.delta"


def load_delta(path: Path) -> UserDelta:
    from posthouse.spam.learning.user_delta import BadDeltaError, UserDelta

    try:
        return UserDelta.from_bytes(path.read_bytes())
    except FileNotFoundError:
        return UserDelta()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from error
    except BadDeltaError as error:
        raise CommandError(f"{path}: {error}") from error


def line_of(name: str, scored: Scored) -> dict[str, Any]:
    """A line of JSON: contributions sum to the score as printed."""
    return {
        "file": name,
        "score": round(scored.score, 6),
        "threshold": round(scored.threshold, 6),
        "verdict": scored.verdict.value,
        "model": scored.version,
        "reasons": [
            {"name": r.name, "channel": r.channel, "contribution": round(r.contribution, 6)} for r in scored.reasons
        ],
    }


def card_text(model: Model, octets: int | None = None) -> str:
    """What a model was made of, for people."""
    card = model.card
    found = card.get("validation", {})
    return pairs(
        [
            ("model", model.version),
            ("octets", octets),
            ("trained on", f"{card['train']['spam']} spam, {card['train']['ham']} ham"),
            ("validated on", f"{found['spam']} spam, {found['ham']} ham"),
            ("1-ROCA % on validation", found["roca"]),
            ("spam caught at 0.1 % FP", f"{found['caught_at_01']} %"),
            ("threshold", f"{model.threshold:.3f}"),
            *((f"threshold of {name}", f"{t.threshold:.3f} ({t.ham} ham)") for name, t in sorted(model.local.items())),
            ("seed", card["seed"]),
        ]
    )


def move_id(raw: bytes) -> str:
    """By content: the same message moved twice is one move."""
    return hashlib.sha256(raw).hexdigest()[:24]
