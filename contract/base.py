"""The base of every contract value and the constrained text types they share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""A lower-case word for an open set: hazards, evidence kinds, detectors."""

Identifier = Annotated[str, StringConstraints(pattern=r"^[^\s/\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]{0,127}$")]
"""The id of a device or source: 1-128 characters, any script, no slash and no control character."""

Sha256Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Uuid7 = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
]
Label = Annotated[str, StringConstraints(max_length=256)]
"""Text for people."""


def _plausible_year(value: Any) -> Any:
    """Years outside 1970-2199 are clock faults, and break databases and UUIDv7 alike."""
    if not 1970 <= value.year < 2200:
        raise ValueError(f"year {value.year} is not between 1970 and 2199: check the device's clock")
    return value


Timestamp = Annotated[AwareDatetime, AfterValidator(_plausible_year)]
"""An aware date-time; naive ones are refused."""


class ContractModel(BaseModel):
    """A frozen value that keeps the fields it does not know, so that an older peer passes on what a newer one said."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    def as_json(self) -> dict[str, Any]:
        """The value as JSON types; absent optional fields are left out."""
        return self.model_dump(mode="json", exclude_none=True)
