"""Training of boosted oblivious trees by histograms: second-order gradients of the logistic loss, numpy only.

Deterministic for one seed. Some tens of seconds for fifty thousand messages; nothing of it is needed to score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posthouse.spam.models.trees import Floats, Trees


@dataclass(frozen=True, slots=True)
class Boosting:
    trees: int = 500
    depth: int = 5
    rate: float = 0.1
    bins: int = 48
    rows: float = 0.6
    """Share of the messages that a tree sees."""
    columns: float = 0.5
    """Share of the features that a tree may ask about."""
    ridge: float = 3.0
    """Pulls leaves to nothing: about so many messages of doubt."""


def train_trees(values: Floats, spam: npt.NDArray[np.bool_], how: Boosting, seed: int) -> Trees:
    """Fits to one row of `values` per message."""
    count, width = values.shape
    cuts = [_cuts(values[:, f], how.bins) for f in range(width)]
    binned = np.stack([np.searchsorted(cuts[f], values[:, f], side="left") for f in range(width)]).astype(np.intp)
    usable = np.array([f for f in range(width) if len(cuts[f])], np.intp)
    generator = np.random.default_rng(seed)
    spams = max(1, int(spam.sum()))
    weight = np.where(spam, count / (2 * spams), count / (2 * max(1, count - spams)))
    scores = np.zeros(count)
    nodes = (2 << how.depth) - 1
    features = np.zeros((how.trees, how.depth), np.int16)
    thresholds = np.full((how.trees, how.depth), np.inf, np.float32)
    all_values = np.zeros((how.trees, nodes), np.float32)
    if not len(usable):
        return Trees(features, thresholds, all_values, 0.0)
    for t in range(how.trees):
        p = 1.0 / (1.0 + np.exp(-np.clip(scores, -40, 40)))
        g = (p - spam) * weight
        h = np.maximum(p * (1 - p), 1e-6) * weight
        sample = np.flatnonzero(generator.random(count) < how.rows)
        chosen = np.sort(generator.permutation(usable)[: max(1, int(len(usable) * how.columns))])
        gs, hs = g[sample], h[sample]
        leaf = np.zeros(len(sample), np.intp)
        whole = np.zeros(count, np.intp)
        for level in range(how.depth):
            feature, cut = _best(binned, chosen, sample, leaf, gs, hs, 1 << level, how)
            features[t, level] = feature
            thresholds[t, level] = cuts[feature][cut]
            whole = 2 * whole + (binned[feature] > cut)
            leaf = whole[sample]
        leaves = 1 << how.depth
        gl = np.bincount(leaf, weights=gs, minlength=leaves)
        hl = np.bincount(leaf, weights=hs, minlength=leaves)
        value = -how.rate * gl / (hl + how.ridge)
        np.clip(value, -1.0, 1.0, out=value)
        scores += value[whole]
        all_values[t] = _expectations(
            value, np.bincount(whole, weights=weight, minlength=leaves).astype(np.float64), how.depth
        )
    return Trees(features, thresholds, all_values, 0.0)


def _cuts(column: Floats, bins: int) -> Floats:
    """Thresholds between the values of a feature: all of few values, quantiles of many."""
    distinct = np.unique(column)
    if len(distinct) > bins:
        distinct = np.unique(np.quantile(column, np.linspace(0, 1, bins + 1), method="lower").astype(np.float32))
    return distinct[:-1].astype(np.float32)


def _best(
    binned: npt.NDArray[np.intp],
    chosen: npt.NDArray[np.intp],
    sample: npt.NDArray[np.intp],
    leaf: npt.NDArray[np.intp],
    g: npt.NDArray[np.float64],
    h: npt.NDArray[np.float64],
    leaves: int,
    how: Boosting,
) -> tuple[int, int]:
    """The question that gains most over all leaves; of equals the first."""
    bins = how.bins + 2
    offset = leaf * bins
    best, answer = -np.inf, (int(chosen[0]), 0)
    for feature in chosen.tolist():
        key = offset + binned[feature][sample]
        gl = np.bincount(key, weights=g, minlength=leaves * bins).reshape(leaves, bins).cumsum(1)
        hl = np.bincount(key, weights=h, minlength=leaves * bins).reshape(leaves, bins).cumsum(1)
        gr, hr = gl[:, -1:] - gl, hl[:, -1:] - hl
        gain = (gl * gl / (hl + how.ridge) + gr * gr / (hr + how.ridge)).sum(0)[:-1]
        cut = int(gain.argmax())
        if gain[cut] > best + 1e-12 and cut < binned[feature].max():
            best, answer = float(gain[cut]), (feature, cut)
    return answer


def _expectations(leaves: npt.NDArray[np.float64], cover: npt.NDArray[np.float64], depth: int) -> Floats:
    """The weighted mean of the leaves below each node, level by level from the root."""
    levels = [leaves]
    total = cover
    current = leaves
    for _ in range(depth):
        pair, weight = current.reshape(-1, 2), total.reshape(-1, 2)
        joined = weight.sum(1)
        mean = np.divide((pair * weight).sum(1), joined, out=pair.mean(1), where=joined > 0)
        levels.append(mean)
        current, total = mean, joined
    return np.concatenate(levels[::-1]).astype(np.float32)
