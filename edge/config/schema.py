"""Writes the JSON Schema of the edge's configuration: `python -m edge.config.schema FOLDER [--check]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from contract.generated import run
from edge.config.document import EdgeConfig
from edge.detectors.registry import CameraDetectorKind, installed_detectors

FILE_NAME = "edge-config.schema.json"


def config_schema() -> dict[str, Any]:
    """The schema, with the settings of every installed detector."""
    schema = EdgeConfig.model_json_schema()
    definitions: dict[str, Any] = schema["$defs"]
    by_kind: dict[str, dict[str, Any]] = {"CameraSource": {}, "SensorSource": {}}
    for name, kind in installed_detectors().items():
        settings = kind.settings.model_json_schema(ref_template=f"#/$defs/{name}.{{model}}")
        for inner, definition in settings.pop("$defs", {}).items():
            definitions[f"{name}.{inner}"] = definition
        source = "CameraSource" if isinstance(kind, CameraDetectorKind) else "SensorSource"
        by_kind[source][name] = settings
    for source, detectors in by_kind.items():
        definitions[source]["properties"]["detectors"] = {
            "type": "object",
            "description": "The detectors at work, by name, with their settings.",
            "properties": detectors,
            "additionalProperties": False,
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "GridSentry edge configuration",
        **{key: value for key, value in schema.items() if key != "title"},
    }


def main(arguments: Sequence[str]) -> int:
    """Writes the file into the folder given; with `--check` only says whether it is up to date (exit code 1 if not)."""
    return run("edge.config.schema", lambda: {FILE_NAME: config_schema()}, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
