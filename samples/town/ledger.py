"""Towns that were measured already, in a file of lines: an evaluation of hours that was broken off goes on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from samples.town.counted import Town

MEASURED = ("contract", "edge/detectors/illegal_structure", "edge/flights", "edge/vision", "samples/town")
"""What the figures hang on."""
ROOT = Path(__file__).resolve().parents[2]
_TOWN = TypeAdapter(Town)


def code_sha256(root: Path = ROOT) -> str:
    """Of all that decides on the figures: a town that other code measured is measured again."""
    digest = hashlib.sha256()
    for folder in MEASURED:
        for path in sorted((root / folder).rglob("*.py")):
            digest.update(f"{path.relative_to(root).as_posix()}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Ledger:
    """A file of lines, to which several processes may add. `key`: code, seed and what was asked."""

    path: Path
    key: str

    def read(self) -> dict[str, Town]:
        """Towns by name, of this key only. A line that was cut off costs its town."""
        if not self.path.exists():
            return {}
        found = {}
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
                if entry["key"] == self.key:
                    town = _TOWN.validate_python(entry["town"])
                    found[town.name] = town
            except (ValueError, KeyError, TypeError, ValidationError):
                continue
        return found

    def add(self, town: Town) -> None:
        """One line in one piece."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"key": self.key, "town": _TOWN.dump_python(town, mode="json")}) + "\n"
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line)
