#!/bin/sh
# Makes .venv and installs what a lock file pins, by hash. Usage: tools/venv.sh runtime|dev
# Needs Python 3.11 or newer with the venv module; on Debian as root it installs python3-venv when that is missing.
set -eu
cd "$(dirname "$0")/.."
kind=$1
stamp=.venv/.$kind
if [ -f "$stamp" ] && [ ! "requirements/$kind.txt" -nt "$stamp" ] && [ ! pyproject.toml -nt "$stamp" ]; then
    exit 0
fi

python=${PYTHON:-}
if [ -z "$python" ]; then
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            python=$candidate
            break
        fi
    done
fi
if [ -z "$python" ]; then
    echo "Posthouse needs Python 3.11 or newer: install it (Debian: apt-get install python3 python3-venv)," \
        "or name one: make PYTHON=/path/to/python3.12 deps" >&2
    exit 1
fi

if [ ! -x .venv/bin/python ]; then
    echo "making .venv with $("$python" --version)"
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
            apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
        else
            echo "Python's venv module is missing: install it (Debian: apt-get install python3-venv)" >&2
            exit 1
        fi
    fi
    "$python" -m venv .venv
fi
echo "installing requirements/$kind.txt (pinned by hash; about a minute on a fresh machine)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
    -r requirements/build.txt -r "requirements/$kind.txt"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
touch "$stamp"
