#!/usr/bin/env bash
# Everything that is made from code: JSON Schemas, the HTTP API reference, the console's client types.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v node >/dev/null && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 22 ] || PATH=$PWD/.venv/bin:$PATH
.venv/bin/python -m contract.schemas configs/schema
.venv/bin/python -m edge.config.schema configs/schema
.venv/bin/python -m server.openapi docs/reference
npm --prefix server/console run --silent api
