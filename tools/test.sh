#!/bin/sh
# Everything that `make test` runs. The real servers install in the background while checks and unit tests run.
set -eu
cd "$(dirname "$0")/.."
# hypothesis then tries the same examples in every run: this run says whether the change is right. New examples are
# looked for by `make unit` and `make fuzz`.
export CI="${CI:-1}"
log=$(mktemp)
PYTHONPATH=tests .venv/bin/python -m harness.install kafka cassandra versitygw >"$log" 2>&1 &
installing=$!
trap 'kill "$installing" 2>/dev/null || true; rm -f "$log"' EXIT
make --no-print-directory check
.venv/bin/python -m pytest -q tests/unit
if ! wait "$installing"; then
    cat "$log" >&2
    exit 1
fi
.venv/bin/python -m pytest -q --ignore=tests/unit tests
