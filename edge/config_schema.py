"""Writes the JSON Schema of the edge's configuration: `python -m edge.config_schema FOLDER`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from edge.config import EdgeConfig
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


def main() -> None:
    """Writes the file into the folder given."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m edge.config_schema FOLDER")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(config_schema(), indent=2, ensure_ascii=False, sort_keys=True)
    (folder / FILE_NAME).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
