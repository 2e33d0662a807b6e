"""`python -m tests.bench [NAME …]`: runs every bench_*.py, or those named. Exit code 1 if a target is missed."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main(names: list[str]) -> int:
    """Runs the benches; each module has `run() -> list[Row]` and publishes its own rows."""
    found = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))
    unknown = [name for name in names if name not in found]
    if unknown:
        print(f"no bench called {', '.join(unknown)}; there are: {', '.join(found)}", file=sys.stderr)
        return 2
    missed = []
    for name in names or found:
        rows = importlib.import_module(f"tests.bench.bench_{name}").run()
        missed += [row.name for row in rows if row.ok is False]
    if missed:
        print(f"missed: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
