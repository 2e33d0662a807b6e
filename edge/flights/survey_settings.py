"""Settings of a survey: two flights, what the office knows, and how what has changed is judged."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from edge.config.change_model import ChangeModelSettings
from edge.detectors.illegal_structure.settings import IllegalStructureSettings
from edge.flights.flight_settings import FlightSettings
from edge.flights.orthophotos.settings import OrthophotoSettings
from edge.flights.register.settings import RegisterSettings


class SurveySettings(BaseModel):
    """What `gridsentry-edge survey --settings` holds. All of it may be left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    flight: FlightSettings = FlightSettings()
    """Of the new flight."""
    baseline: FlightSettings | None = None
    """Of the flight before. Absent: as `flight`."""
    orthophoto: OrthophotoSettings = OrthophotoSettings()
    """Of the baseline, where that is an orthophoto."""
    taken_at: AwareDatetime | None = None
    """When the new flight ended, where its files do not say: permits are valid or not on that day."""
    register_: Annotated[RegisterSettings | None, Field(alias="register")] = None
    """Absent: nothing is known of what is allowed, and everything that was built is told."""
    change_model: ChangeModelSettings | None = None
    """A learned model that is asked about each place as well. None is shipped."""
    illegal_structure: IllegalStructureSettings = IllegalStructureSettings()
