#!/bin/sh
# Pins what pyproject.toml asks for, with hashes and without naming an index. Needs uv on the path.
set -eu
cd "$(dirname "$0")/.."
compile() {
    uv pip compile --quiet --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header "$@"
}
printf 'editables\nhatchling\n' | compile - -o requirements/build.txt
compile pyproject.toml --extra all -c requirements/build.txt -o requirements/runtime.txt
compile pyproject.toml --extra dev -c requirements/build.txt -c requirements/runtime.txt -o requirements/dev.txt
