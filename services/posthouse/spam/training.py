"""Training: labelled mail in, a model out. The same mail, seed and settings give the same octets.

The channels learn from the training part; fusion, calibration and the frozen threshold from the validation part, which
no channel has seen. Where no validation part is given, a fifth of the training mail is held back by its content.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from posthouse.spam.evaluation import quality
from posthouse.spam.features.extract import Features, extract
from posthouse.spam.features.hashing import Hashes
from posthouse.spam.features.rules import NAMES as RULES
from posthouse.spam.features.structure import CONTENT, Values
from posthouse.spam.models.boosting import Boosting, train_trees
from posthouse.spam.models.fusion import fit_fusion, threshold_for
from posthouse.spam.models.linear import Linear, train_linear
from posthouse.spam.models.model import CHANNELS, Model
from posthouse.spam.models.model_file import dump, version_of
from posthouse.spam.sanitise import inner_bucket, sanitise
from posthouse.spam.text.message import read_message

Flags = npt.NDArray[np.bool_]
HELD_BACK: Final = range(20)
"""Buckets (sanitise.inner_bucket) that become the validation part where none is given."""
MAX_PADDED: Final = 10_000
"""Padded spam messages at most, for they lie in memory beside all others."""


@dataclass(frozen=True, slots=True)
class Row:
    """What training keeps of a message."""

    spam: bool
    bucket: int
    grams: Hashes
    words: Hashes
    header: Hashes
    structure: Values
    rules: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """Chosen by leaving one source out, not by a random split (docs/adr/0017)."""

    content_bits: int = 20
    content_rate: float = 0.2
    content_epochs: int = 4
    words_bits: int = 19
    words_rate: float = 0.2
    words_epochs: int = 4
    decay: float = 0.02
    padded: float = 1.0
    """Spam that is shown once more with the features of a ham message added, as a share of the spam."""
    boosting: Boosting = Boosting()
    padded_fusion: float = 0.1
    """The same for the fusion: so that it does not lean on words alone."""
    swapped: float = 0.01
    """Validation messages that the fusion sees once more with the header structure of another, as a share."""
    caps: tuple[float, ...] = (10.0, 10.0, 8.0, 8.0, 4.0, 3.0)
    header_bits: int = 18
    ridge: float = 2.0
    share: float = 0.001
    """False positives that the threshold allows on validation."""


class TooLittleMailError(ValueError):
    """There is not enough mail of both kinds to train on."""


def row_of(raw: bytes, spam: bool) -> Row:
    """Reads one message for training. Never raises."""
    octets = sanitise(raw)
    found = extract(octets, read_message(octets))
    return Row(spam, inner_bucket(raw), found.grams, found.words, found.header, found.structure, found.rules)


def hold_back(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """(train, validation) by content, so that copies of one message stay together."""
    kept = [row for row in rows if row.bucket not in HELD_BACK]
    return kept, [row for row in rows if row.bucket in HELD_BACK]


def train(
    rows: Sequence[Row],
    validation: Sequence[Row],
    *,
    seed: int = 0,
    settings: Settings = Settings(),
    say: Callable[[str], None] = lambda text: None,
) -> Model:
    """The model. Raises TooLittleMailError below ten of a kind in either part."""
    spam = np.array([row.spam for row in rows], np.bool_)
    held = np.array([row.spam for row in validation], np.bool_)
    for part, flags in (("training", spam), ("validation", held)):
        counts = int(flags.sum()), int((~flags).sum())
        if min(counts) < 10:
            raise TooLittleMailError(f"{part}: {counts[0]} spam and {counts[1]} ham; ten of each are needed")
    how = settings
    say("content")
    padded = _padding(spam, how.padded, seed)
    flags = np.append(spam, np.ones(len(padded), np.bool_))
    content = _rounded(
        train_linear(
            [*(row.grams for row in rows), *(_joined(rows[a].grams, rows[b].grams) for a, b in padded)],
            flags,
            bits=how.content_bits,
            rate=how.content_rate,
            epochs=how.content_epochs,
            decay=how.decay,
            seed=seed,
        )
    )
    say("words")
    words = _rounded(
        train_linear(
            [*(row.words for row in rows), *(_joined(rows[a].words, rows[b].words) for a, b in padded)],
            flags,
            bits=how.words_bits,
            rate=how.words_rate,
            epochs=how.words_epochs,
            decay=how.decay,
            seed=seed + 1,
        )
    )
    values = np.stack([row.structure for row in rows])
    say("header")
    header = _rounded(
        train_linear(
            [row.header for row in rows],
            spam,
            bits=how.header_bits,
            rate=how.words_rate,
            epochs=how.words_epochs,
            decay=how.decay,
            seed=seed + 4,
        )
    )
    say("body structure")
    body = train_trees(np.ascontiguousarray(values[:, : len(CONTENT)]), spam, how.boosting, seed + 2)
    say("structure")
    whole = train_trees(values, spam, how.boosting, seed + 3)
    say("rules")
    rules = _fit_rules(rows, spam)
    channels = channel_scores(content, words, body, whole, rules, header, validation)
    say("fusion")
    hard = [*_padded_rows(validation, held, how.padded_fusion, seed), *_swapped(validation, how.swapped, seed)]
    more = channel_scores(content, words, body, whole, rules, header, hard) if hard else channels[:0]
    flags = np.append(held, np.array([row.spam for row in hard], np.bool_))
    fusion = fit_fusion(np.vstack([channels, more]), flags, how.caps, how.ridge)
    scores = fusion.score_all(channels)
    ham = np.sort(scores[~held])
    figures = quality(scores, held)
    each = {name: _figures(quality(channels[:, i], held)) for i, name in enumerate(CHANNELS)}
    card: dict[str, Any] = {
        "train": {"spam": int(spam.sum()), "ham": int((~spam).sum())},
        "validation": {"spam": int(held.sum()), "ham": int((~held).sum()), **_figures(figures), "channels": each},
        "seed": seed,
    }
    model = Model(
        content,
        words,
        header,
        body,
        whole,
        rules,
        fusion,
        _threshold(scores, held, how.share),
        ham_quantiles=tuple(float(q) for q in np.quantile(ham, np.linspace(0, 1, 101))),
        card=card,
    )
    return replace(model, version=version_of(dump(model)))


def channel_scores(
    content: Linear,
    words: Linear,
    body: Any,
    whole: Any,
    rules: npt.NDArray[np.float32],
    header: Linear,
    rows: Iterable[Row],
) -> npt.NDArray[np.float64]:
    """Log-odds by channel of many messages."""
    rows = list(rows)
    values = np.stack([row.structure for row in rows])
    return np.column_stack(
        [
            [content.score(row.grams) for row in rows],
            [words.score(row.words) for row in rows],
            body.score_all(values[:, : len(CONTENT)]),
            whole.score_all(values),
            [float(rules[list(row.rules)].sum() + rules[-1]) for row in rows],
            [header.score(row.header) for row in rows],
        ]
    )


def scores_of(model: Model, rows: Iterable[Row]) -> npt.NDArray[np.float64]:
    """The scores that the global model gives to many messages."""
    found = channel_scores(model.content, model.words, model.body, model.whole, model.rules, model.header, rows)
    return model.fusion.score_all(found)


def _threshold(scores: npt.NDArray[np.float64], spam: Flags, share: float) -> float:
    """0.1 % of the ham; where spam and ham lie apart, the middle between them: the edge of either is chance."""
    limit = threshold_for(scores[~spam], share)
    low = float(np.quantile(scores[spam], 0.01))
    return (limit + low) / 2 if low > limit else limit


def _figures(found: Any) -> dict[str, float]:
    return {
        "roca": round(found.roca, 4),
        "false_at_99": round(found.false_at_99, 3),
        "caught_at_01": round(found.caught_at_01, 2),
    }


def _rounded(linear: Linear) -> Linear:
    """Weights as the file keeps them; what is next to nothing becomes nothing, and packs well."""
    weights = linear.weights.astype(np.float16).astype(np.float32)
    weights[np.abs(weights) < 1e-3] = 0
    return Linear(weights, linear.bias)


def _padding(spam: Flags, share: float, seed: int) -> list[tuple[int, int]]:
    """Pairs of a spam and a ham message: spam that is padded with good words."""
    bad, good = np.flatnonzero(spam), np.flatnonzero(~spam)
    generator = np.random.default_rng(seed + 9)
    count = min(MAX_PADDED, int(share * len(bad)))
    return list(zip(generator.choice(bad, count).tolist(), generator.choice(good, count).tolist(), strict=True))


def _padded_rows(rows: Sequence[Row], spam: Flags, share: float, seed: int) -> list[Row]:
    """Spam with the words of a ham message added."""
    return [
        replace(rows[a], grams=_joined(rows[a].grams, rows[b].grams), words=_joined(rows[a].words, rows[b].words))
        for a, b in _padding(spam, share, seed + 1)
    ]


def _swapped(rows: Sequence[Row], share: float, seed: int) -> list[Row]:
    """Messages that came by another message's way: content of one, header structure of any other.

    The fusion then does not lean on a delivery path that tells spam from ham in this mail only.
    """
    generator = np.random.default_rng(seed + 11)
    count = int(share * len(rows))
    content, header = generator.permutation(len(rows))[:count], generator.permutation(len(rows))[:count]
    cut = len(CONTENT)
    return [
        replace(
            rows[a],
            structure=np.concatenate((rows[a].structure[:cut], rows[b].structure[cut:])),
            header=rows[b].header,
        )
        for a, b in zip(content.tolist(), header.tolist(), strict=True)
    ]


def _joined(spam: Hashes, ham: Hashes) -> Hashes:
    """All of the spam's features, and of the ham's as many at most."""
    return np.union1d(spam, ham[:: -(-len(ham) // max(1, len(spam)))]) if len(ham) else spam


def _fit_rules(rows: Sequence[Row], spam: Flags, ridge: float = 8.0) -> npt.NDArray[np.float32]:
    """Logistic regression on which rules fired; weights pulled to nothing."""
    x = np.zeros((len(rows), len(RULES) + 1))
    x[:, -1] = 1
    for i, row in enumerate(rows):
        x[i, list(row.rules)] = 1
    y = spam.astype(np.float64)
    spams = float(y.sum())
    balance = np.where(spam, len(y) / (2 * spams), len(y) / (2 * (len(y) - spams)))
    pull = np.append(np.full(len(RULES), ridge), 0.01)
    w = np.zeros(len(RULES) + 1)
    for _ in range(30):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -40, 40)))
        gradient = x.T @ ((p - y) * balance) + pull * w
        step = np.linalg.solve((x * (p * (1 - p) * balance)[:, None]).T @ x + np.diag(pull), gradient)
        w -= step
        if float(np.abs(step).max()) < 1e-8:
            break
    return w.astype(np.float32)


def features_row(features: Features, spam: bool) -> Row:
    """A training row of features that were kept."""
    return Row(spam, 0, features.grams, features.words, features.header, features.structure, features.rules)
