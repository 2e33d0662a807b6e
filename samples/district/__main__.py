"""`python -m samples.district --seed 7 --out DIR`: write the fictional district."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from samples.district.files import write_district
from samples.district.partition import PartitionError


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 fine, 1 the seed gives no district, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m samples.district", description="Write the fictional district.")
    parser.add_argument("--seed", type=int, default=7, help="what everything follows from (default: 7)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the files; made if missing")
    options = parser.parse_args(arguments)
    try:
        paths = write_district(options.seed, options.out)
    except PartitionError as error:
        sys.stderr.write(f"seed {options.seed}: {error}\n")
        return 1
    for path in paths:
        sys.stdout.write(f"{path}  {path.stat().st_size:,} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
