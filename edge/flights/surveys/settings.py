"""The settings file of surveys, read with every fault named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from edge.flights.survey_settings import SurveySettings

MOST_BYTES = 1024 * 1024


class SettingsError(Exception):
    """The settings cannot be used: one line for each fault."""


def read_settings(path: Path | None) -> SurveySettings:
    """Of a YAML file; without one, the defaults.

    Relative paths begin at the file's folder.

    Raises:
        SettingsError: it cannot be read, is no YAML, or has what settings do not.
    """
    if path is None:
        return SurveySettings()
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SettingsError(f"{path}: is too large for settings")
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise SettingsError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(found or {}, dict):
        raise SettingsError(f"{path}: found a {type(found).__name__}, expected settings such as `register: …`")
    document = {str(key): value for key, value in (found or {}).items()}
    for name in ("flight", "baseline"):
        document[name] = _with_terrain(document[name], path.parent) if name in document else None
    for name in ("path", "surface"):
        document["orthophoto"] = _beside(document.get("orthophoto"), name, path.parent)
    try:
        return SurveySettings.model_validate({key: value for key, value in document.items() if value is not None})
    except ValidationError as error:
        faults = (
            f"{path}: {'.'.join(map(str, one['loc'])) or 'settings'}: {one['msg']}, found {str(one['input'])[:80]}"
            for one in error.errors()
        )
        raise SettingsError("\n".join(faults)) from None


def _with_terrain(flight: Any, folder: Path) -> Any:
    """Flight settings whose elevation model is sought beside the settings, as the register is: a service has no other
    folder to begin at."""
    ground = flight.get("ground") if isinstance(flight, dict) else None
    if ground is None:
        return flight
    return {**flight, "ground": _beside(ground, "elevation", folder)}


def _beside(section: Any, name: str, folder: Path) -> Any:
    """A section whose file is sought in a folder. What is no such section is refused with the rest."""
    if not isinstance(section, dict) or not isinstance(section.get(name), str):
        return section
    return {**section, name: str(folder / section[name])}
