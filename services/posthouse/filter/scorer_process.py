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
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from posthouse.model.authentication import AuthenticationResults
from posthouse.model.ids import DomainName
from posthouse.model.score import ScoreCard, ScoreReason
from posthouse.spam.models.model_file import load
from posthouse.spam.scorer import Scored, Scorer

LENGTH: Final = struct.Struct("<I")
READY: Final = b"ready"


class Job(NamedTuple):
    octets: bytes
    evidence: AuthenticationResults | None
    domains: Sequence[DomainName]


def frame(value: object) -> bytes:
    octets = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(octets)) + octets


def cards(scorer: Scorer, job: Job) -> tuple[ScoreCard, ...]:
    """One for each domain; the message is read once."""
    message, features = scorer.read(job.octets)
    return tuple(
        [
            _card(scorer.score_features(features, job.evidence, domain=domain, limits=message.limits))
            for domain in job.domains
        ]
    )


def _card(scored: Scored) -> ScoreCard:
    reasons = tuple([ScoreReason(each.name, each.channel, each.contribution) for each in scored.reasons])
    return ScoreCard(scored.score, scored.threshold, reasons, scored.version)


def serve(model: Path, source: BinaryIO, sink: BinaryIO) -> None:
    """Until the parent closes its end."""
    scorer = Scorer(load(model.read_bytes()))
    sink.write(frame(READY))
    sink.flush()
    while len(head := source.read(LENGTH.size)) == LENGTH.size:
        octets = source.read(LENGTH.unpack(head)[0])
        sink.write(frame(cards(scorer, pickle.loads(octets))))
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
    sys.exit(main(sys.argv[1:]))
