"""The spam filter beside bogofilter on the test split of the public SpamAssassin corpus, in one run: quality, rewritten
spam, and cost, one core each. Offline: nobody looks anything up.

    python loadtests/spam.py [--model FILE] [--json]

Both learn from the training part, both read messages from which other filters' headers were taken. bogofilter (apt-get
install bogofilter) keeps its defaults; where it is missing its column is left out.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from posthouse.cli.output import Column, table
from posthouse.spam.evaluation import quality
from posthouse.spam.models.model_file import load
from posthouse.spam.sanitise import sanitise
from posthouse.spam.scorer import Scorer
from posthouse.spam.shipped import COLD_START
from spam_rewrites import rewrites, rewritten

_WORD = re.compile(r"[A-Za-z]{3,12}")


def mail(part: Path, kind: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((part / kind).iterdir())]


def caught_at(scores: np.ndarray, ham: np.ndarray, share: float = 0.005) -> float:
    """Percent of `scores` above what `share` of the ham reaches."""
    return 100 * float((scores > np.sort(ham)[::-1][int(share * len(ham))]).mean())


class Bogofilter:
    """Debian's bogofilter with a database of its own."""

    def __init__(self, where: Path, train: Path) -> None:
        self.where = where
        self.db = where / "db"
        self.db.mkdir()
        for kind, flag in (("ham", "-n"), ("spam", "-s")):
            files = self._write(mail(train, kind), f"train-{kind}")
            subprocess.run(["bogofilter", "-d", str(self.db), flag, "-B", *files], check=False, capture_output=True)

    def _write(self, messages: list[bytes], name: str) -> list[str]:
        out = self.where / name
        out.mkdir(exist_ok=True)
        files = []
        for number, raw in enumerate(messages):
            path = out / f"{number:06}"
            path.write_bytes(sanitise(raw))
            files.append(str(path))
        return files

    def scores(self, messages: list[bytes], name: str) -> tuple[np.ndarray, float]:
        """(spamicity, CPU seconds)."""
        files = self._write(messages, name)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = ["bogofilter", "-d", str(self.db), "-T", "-T", "-B", *files]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found = [float(line.split()[-1]) for line in done.stdout.splitlines() if line.strip()]
        if len(found) != len(messages):
            raise SystemExit(f"bogofilter answered {len(found)} of {len(messages)}: {done.stderr[:200]}")
        return np.array(found), spent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=COLD_START)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
    from spam_corpus import split

    parts = split()
    ham, spam = mail(parts / "test", "ham"), mail(parts / "test", "spam")
    labels = np.array([False] * len(ham) + [True] * len(spam))
    began = time.process_time()
    octets = options.model.read_bytes()
    scorer = Scorer(load(octets))
    loading = time.process_time() - began
    for raw in ham[:50]:
        scorer.score(raw)
    times, scored = [], []
    for raw in ham + spam:
        began = time.process_time()
        scored.append(scorer.score(raw))
        times.append(time.process_time() - began)
    ours = np.array([s.score for s in scored])
    wrong = np.array([s.margin >= 0 for s in scored])
    sums = max(abs(sum(r.contribution for r in s.reasons) - s.score) for s in scored)
    good_words = [w for raw in ham[:150] for w in _WORD.findall(raw.decode("latin-1").partition("\n\n")[2])[:400]]
    changes = rewrites(good_words)
    found = quality(ours, labels)
    rows: dict[str, list[str]] = {
        "1-ROCA %": [f"{found.roca:.4f}"],
        "FP@99 %": [f"{found.false_at_99:.2f}"],
        "R@.1 %": [f"{found.caught_at_01:.1f}"],
        "frozen: caught / ham lost %": [f"{100 * wrong[labels].mean():.1f} / {100 * wrong[~labels].mean():.2f}"],
    }
    rewritten_spam = {name: [rewritten(raw, change) for raw in spam] for name, change in changes.items()}
    plain = ours[labels]
    rows["caught at 0.5 % FP, plain %"] = [f"{caught_at(plain, ours[~labels]):.1f}"]
    for name, messages in rewritten_spam.items():
        scores = np.array([scorer.score(raw).score for raw in messages])
        rows[f"caught at 0.5 % FP, {name}"] = [f"{caught_at(scores, ours[~labels]):.1f}"]
    spent = np.array(times)
    rows["messages per CPU-second"] = [f"{len(spent) / spent.sum():.0f}"]
    rows["p99 ms"] = [f"{1e3 * np.quantile(spent, 0.99):.1f}"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows["model MB"] = [f"{len(octets) / 1e6:.1f}"]
    titles = ["posthouse"]
    if shutil.which("bogofilter"):
        titles.append("bogofilter")
        with tempfile.TemporaryDirectory() as place:
            peer = Bogofilter(Path(place), parts / "train")
            theirs, cpu = peer.scores(ham + spam, "test")
            other = quality(theirs, labels)
            junk = theirs >= 0.99
            rows["1-ROCA %"].append(f"{other.roca:.4f}")
            rows["FP@99 %"].append(f"{other.false_at_99:.2f}")
            rows["R@.1 %"].append(f"{other.caught_at_01:.1f}")
            rows["frozen: caught / ham lost %"].append(
                f"{100 * junk[labels].mean():.1f} / {100 * junk[~labels].mean():.2f}"
            )
            rows["caught at 0.5 % FP, plain %"].append(f"{caught_at(theirs[labels], theirs[~labels]):.1f}")
            for name, messages in rewritten_spam.items():
                scores, _ = peer.scores(messages, "rewritten")
                rows[f"caught at 0.5 % FP, {name}"].append(f"{caught_at(scores, theirs[~labels]):.1f}")
            rows["messages per CPU-second"].append(f"{len(labels) / cpu:.0f}")
            rows["p99 ms"].append("-")
            size = sum(f.stat().st_size for f in peer.db.iterdir())
            rows["model MB"].append(f"{size / 1e6:.1f}")
    if options.json:
        print(json.dumps({"columns": titles, "rows": rows, "reasons_off_by": sums, "rss_mb": peak}))
    else:
        print(f"{len(ham)} ham, {len(spam)} spam; model {scorer.model.version}, loaded in {loading:.2f} s CPU")
        print(table([Column(""), *(Column(t, True) for t in titles)], [[n, *values] for n, values in rows.items()]))
        print(f"reasons are off the score by {sums:.1e} at most; peak RSS {peak:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
