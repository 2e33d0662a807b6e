"""Writes the contract's JSON Schemas: ``python -m contract.schemas configs/schema`` (``--check`` compares instead)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, TypeAdapter

from contract.batch import BatchResult
from contract.details import DETAILS
from contract.events import AnyEvent
from contract.evidence import Evidence
from contract.generated import run
from contract.geometry import Location
from contract.timeline import SignalTimeline

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, Any]]:
    """File name to schema, for everything that travels."""
    models: dict[str, type[BaseModel]] = {
        "batch-result": BatchResult,
        "evidence": Evidence,
        "location": Location,
        "timeline": SignalTimeline,
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


def main(arguments: Sequence[str]) -> int:
    """Writes the schemas into a folder, or with ``--check`` names those that are out of date."""
    return run("contract.schemas", schemas, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
