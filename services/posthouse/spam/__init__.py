"""spam: how likely a message is spam, and why. Pure: octets and typed evidence in, a score with its reasons out.

Follow one message: `sanitise` takes out what other filters wrote (sanitise.py); `read_message` makes text, links and
counts of it (text/); `extract` makes features of that (features/); each channel gives capped log-odds (models/,
learning/, identity.py); `Scorer.score` adds them up to one score whose reasons sum to it (scorer.py). `train` makes a
model from labelled mail (training.py); model_file.py writes and reads it.

Invariants: no octets whatever make scoring raise; what a message can drive up has a bound; the same input, seed and
model give the same score. Not done here: files, clocks, look-ups (DNS evidence comes in typed), what follows from a
verdict.
"""
