#!/usr/bin/env bash
# Checks first (they are quick), then the suite: what can share the machine in two processes, the rest alone.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ $# -gt 0 ]; then exec .venv/bin/python -m pytest "$@"; fi
scripts/lint.sh
.venv/bin/python -m pytest -q -n 2 --dist loadgroup -m "not e2e and not browser"
.venv/bin/python -m pytest -q -m "e2e or browser"
