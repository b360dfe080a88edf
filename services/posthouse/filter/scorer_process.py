"""A process that scores messages for its parent: frames on standard input, answers on standard output.

Apart from the event loop, because one message takes milliseconds of processor time and a hostile one might take more:
the parent ends a process that is late, and the kernel one that wants too much memory. Frames are pickled, since both
ends are one program; nothing from outside is ever unpickled.
"""

from __future__ import annotations

import pickle
import resource
import signal
import struct
import sys
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from posthouse.filter.user_memory import Studied
from posthouse.model.authentication import AuthenticationResults
from posthouse.model.ids import DomainName
from posthouse.model.score import ScoreCard, ScoreReason
from posthouse.spam.learning.user_delta import UserDelta, slots_of
from posthouse.spam.models.model_file import BadModelError, load
from posthouse.spam.scorer import Scored, Scorer

LENGTH: Final = struct.Struct("<I")
READY: Final = b"ready"
MOST_MODELS: Final = 8
"""That a process has at hand beside its own: about 15 MB each, 40 ms to load one anew."""


class Job(NamedTuple):
    """A message to be scored: once for each domain, with what was taught there."""

    octets: bytes
    evidence: AuthenticationResults | None
    domains: Sequence[DomainName]
    taught: Sequence[bytes] = ()
    """Weights (filter.user_memory), parallel to `domains`; empty = none, for all or for one."""
    models: Sequence[str] = ()
    """Files, parallel to `domains`; empty = the model of the process, for all or for one."""
    shadow: str = ""
    """File of a model that is to score for the first domain too; its card comes last."""


class Study(NamedTuple):
    """A message to be learned from."""

    octets: bytes
    domain: DomainName
    model: str = ""
    """File; empty = the model of the process."""


class Lecture(NamedTuple):
    """What a Study brings."""

    studied: Studied
    threshold: float
    """The model's, for the domain."""


def frame(value: object) -> bytes:
    octets = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(octets)) + octets


class Scorers:
    """One for each model that was asked for, the least lately used go. A file that cannot be used is answered for by
    the model of the process: the card says by its version which it was."""

    def __init__(self, base: Scorer) -> None:
        self.base = base
        self._loaded: OrderedDict[str, Scorer] = OrderedDict()

    def of(self, file: str) -> Scorer | None:
        """None where the file cannot be used."""
        if not file:
            return self.base
        found = self._loaded.get(file)
        if found is None:
            try:
                found = Scorer(load(Path(file).read_bytes()))
            except (OSError, BadModelError, MemoryError):
                return None
            self._loaded[file] = found
            while len(self._loaded) > MOST_MODELS:
                self._loaded.popitem(last=False)
        self._loaded.move_to_end(file)
        return found


def cards(scorers: Scorers, job: Job) -> tuple[ScoreCard, ...]:
    """One for each domain; the message is read once. One more where somebody scores in the shadow."""
    message, features = scorers.base.read(job.octets)
    taught = job.taught or [b""] * len(job.domains)
    models = job.models or [""] * len(job.domains)

    def card(scorer: Scorer, domain: DomainName, weights: bytes) -> ScoreCard:
        delta = _delta(weights) if weights else None
        return _card(scorer.score_features(features, job.evidence, delta, domain=domain, limits=message.limits))

    found = [
        card(scorers.of(model) or scorers.base, domain, weights)
        for domain, weights, model in zip(job.domains, taught, models, strict=True)
    ]
    if job.shadow and job.domains and (challenger := scorers.of(job.shadow)) is not None:
        found.append(card(challenger, job.domains[0], taught[0]))
    return tuple(found)


def lecture(scorers: Scorers, study: Study) -> Lecture:
    scorer = scorers.of(study.model) or scorers.base
    _, features = scorer.read(study.octets)
    scored = scorer.score_features(features, domain=study.domain)
    return Lecture(Studied(scored.global_score, slots_of(features).astype("<u4").tobytes()), scored.threshold)


@lru_cache(maxsize=64)
def _delta(weights: bytes) -> UserDelta:
    """At most 64 × 0.5 MB."""
    return UserDelta.from_bytes(weights)


def _card(scored: Scored) -> ScoreCard:
    reasons = tuple([ScoreReason(each.name, each.channel, each.contribution) for each in scored.reasons])
    return ScoreCard(scored.score, scored.threshold, reasons, scored.version)


def serve(model: Path, source: BinaryIO, sink: BinaryIO) -> None:
    """Until the parent closes its end."""
    scorers = Scorers(Scorer(load(model.read_bytes())))
    sink.write(frame(READY))
    sink.flush()
    while len(head := source.read(LENGTH.size)) == LENGTH.size:
        octets = source.read(LENGTH.unpack(head)[0])
        asked = pickle.loads(octets)
        sink.write(frame(cards(scorers, asked) if isinstance(asked, Job) else lecture(scorers, asked)))
        sink.flush()


def main(argv: Sequence[str]) -> int:
    """Arguments: the model's file, and the octets of memory that may be had."""
    # Ctrl-C reaches the whole group; the parent drains first and then closes our input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    memory = int(argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    serve(Path(argv[0]), sys.stdin.buffer, sys.stdout.buffer)
    return 0


if __name__ == "__main__":
    # Under the name that pickled jobs know it by: to the classes of `__main__` they would be strangers.
    from posthouse.filter.scorer_process import main as run

    sys.exit(run(sys.argv[1:]))
