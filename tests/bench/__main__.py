"""`python -m tests.bench [NAME …]`: runs the benches (all, or those named) and says whether every target was met."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from tests.bench.rows import report


def main(names: list[str]) -> int:
    """Each `bench_NAME.py` has a function `measure() -> list[Row]`. Exit code 1 if a target was missed."""
    known = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))
    unknown = set(names) - set(known)
    if unknown:
        print(f"no bench {', '.join(sorted(unknown))}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    met = True
    for name in names or known:
        rows = importlib.import_module(f"tests.bench.bench_{name}").measure()
        report(name, rows)
        met = met and all(row.ok is not False for row in rows)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
