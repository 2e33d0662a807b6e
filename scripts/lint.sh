#!/usr/bin/env bash
# Every check that needs no running program. All of them run; the script fails if one did.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=()
check() { local name=$1; shift; if output=$("$@" 2>&1); then printf '  ok   %s\n' "$name"; else printf '  FAIL %s\n%s\n' "$name" "$output"; failed+=("$name"); fi; }
bin=.venv/bin
command -v node >/dev/null && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 22 ] || PATH=$PWD/.venv/bin:$PATH
check "ruff" $bin/ruff check -q .
check "ruff format" $bin/ruff format -q --check .
check "mypy --strict" $bin/mypy
check "import walls" $bin/lint-imports
check "schemas: contract" $bin/python -m contract.schemas configs/schema --check
check "schemas: edge config" $bin/python -m edge.config.schema configs/schema --check
check "reference: HTTP API" $bin/python -m server.openapi docs/reference --check
check "console: client types" npm --prefix server/console run --silent api:check
check "console: tsc and eslint" npm --prefix server/console run --silent lint
check "console: unit tests" npm --prefix server/console test --silent
[ ${#failed[@]} = 0 ] || { printf 'failed: %s\n' "${failed[*]}" >&2; exit 1; }
