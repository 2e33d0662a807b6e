"""What all settings share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo


class Settings(BaseModel):
    """The base of all settings: frozen, and unknown keys are faults."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _from_config_folder(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return path if folder is None else Path(folder) / path


ConfigPath = Annotated[Path, AfterValidator(_from_config_folder)]
"""A path; relative ones start at the configuration file's folder."""

Seconds = Annotated[float, Field(gt=0, le=86_400)]
