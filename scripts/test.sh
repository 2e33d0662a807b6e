#!/usr/bin/env bash
# Checks first (they are quick), then the suite in two processes: first what asks little of the machine, then what starts
# the real programs and browsers, a file at a time (these mostly wait). At last, with the machine to itself, what counts every picture.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ $# -gt 0 ]; then exec .venv/bin/python -m pytest "$@"; fi
scripts/lint.sh
.venv/bin/python -m pytest -q -n 2 --dist loadgroup -m "not e2e and not browser"
.venv/bin/python -m pytest -q -n 2 --dist loadfile -m "e2e or browser" --ignore tests/edge/hardship
.venv/bin/python -m pytest -q tests/edge/hardship
