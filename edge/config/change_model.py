"""Settings of a learned change model: who has one names its file here. None is shipped."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

_FORBIDDING = re.compile(r"non-?\s?commercial|(^|[-_ (])NC([-_ )]|$)", re.IGNORECASE)


class Answer(StrEnum):
    """What the numbers of a model's output are."""

    PROBABILITY = "probability"
    LOGIT = "logit"


def _usable(licence: str) -> str:
    if _FORBIDDING.search(licence):
        raise ValueError(
            f"found {licence!r}, expected a licence that lets a city use it: this one forbids commercial use, and so "
            "what contractors do for a city; take a model that was published without that clause"
        )
    return licence


class ChangeModelSettings(BaseModel):
    """An ONNX model that is shown a place before and after, and says where something has changed.

    It takes both pictures as two inputs (1, 3, height, width), the older one first, or as one (1, 6, height, width).
    It answers (1, 1, height, width), or (1, 2, height, width) of which the second is the change.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    """As events name it."""
    version: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    path: Path
    """Relative paths begin at the settings' folder."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Absent: whatever lies there is used, and events name its hash."""
    licence: Annotated[str, StringConstraints(min_length=2, max_length=128), AfterValidator(_usable)]
    """Of the weights, as SPDX says it."""
    gsd_m: Annotated[float, Field(ge=0.03, le=2.0)]
    """Metres of ground a pixel in the pictures that it was trained on."""
    side_px: Annotated[int, Field(ge=64, le=1024)] = 256
    """Of the square that it is shown, where the model leaves that open."""
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Of red, green and blue, as 0-1: taken away first …"""
    deviation: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = (
        1.0,
        1.0,
        1.0,
    )
    """… and then divided by."""
    answer: Answer = Answer.LOGIT
