"""Writes the contract's JSON Schemas: ``python -m contract.schemas configs/schema`` (``--check`` compares instead)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter

from contract.batch import BatchResult
from contract.details import DETAILS
from contract.events import AnyEvent
from contract.evidence import Evidence
from contract.geometry import Location

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, Any]]:
    """File name to schema, for everything that travels."""
    models: dict[str, type[BaseModel]] = {
        "batch-result": BatchResult,
        "evidence": Evidence,
        "location": Location,
        **{f"detail-{hazard.replace('_', '-')}": model for hazard, model in DETAILS.items()},
    }
    adapters: dict[str, TypeAdapter[Any]] = {
        "event": TypeAdapter(AnyEvent),
        "batch": TypeAdapter(list[AnyEvent]),
        **{name: TypeAdapter(model) for name, model in models.items()},
    }
    return {
        f"{name}.schema.json": {"$schema": _DIALECT, "title": f"GridSentry {name}", **adapter.json_schema()}
        for name, adapter in sorted(adapters.items())
    }


def schema_text(schema: dict[str, Any]) -> str:
    """A schema as it lies in its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def main(arguments: list[str]) -> int:
    """Writes the schemas into a folder, or with ``--check`` names those that are out of date."""
    check = "--check" in arguments
    folders = [argument for argument in arguments if not argument.startswith("--")]
    if len(folders) != 1:
        sys.stderr.write("usage: python -m contract.schemas FOLDER [--check]\n")
        return 2
    folder = Path(folders[0])
    stale = []
    for name, schema in schemas().items():
        path, text = folder / name, schema_text(schema)
        if check:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(path)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in stale:
        sys.stderr.write(f"{path}: out of date; run `make docs` and commit it\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
