"""The orthophoto that an area's settings name: what its first flight is compared with."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import structlog

from edge.flights.material import FlightError
from edge.flights.orthophotos.orthophoto import BY_FILE, Orthophoto, not_older, orthophoto_at
from edge.flights.orthophotos.settings import OrthophotoSettings
from edge.flights.orthophotos.trying import tried
from edge.flights.surveys.contents import flight_sha256
from edge.flights.surveys.records import name_of
from edge.flights.surveys.settings import SettingsError

log = structlog.get_logger("survey")


def known_orthophoto(path: Path, settings: OrthophotoSettings) -> Orthophoto:
    """Under a name that says what it holds, as an area knows flights.

    Raises:
        edge.flights.material.FlightError: it cannot be read.
    """
    found = orthophoto_at(path, settings)
    return replace(found, id=name_of(found.id, flight_sha256(path)))


def named_orthophoto(settings: OrthophotoSettings, flight: str, taken_at: datetime) -> Orthophoto | None:
    """What a flight of that time can be compared with. None: settings name no orthophoto, or it is younger.

    Raises:
        SettingsError: it cannot be used for any flight, or its file claims to be younger: that is often the day on
            which it was made.
    """
    if settings.path is None:
        return None
    try:
        found = known_orthophoto(settings.path, settings)
        tried(found)
    except FlightError as error:
        raise SettingsError(str(error)) from error
    why_not = not_older(found, flight, taken_at)
    if why_not is None:
        return found
    if found.dated == BY_FILE:
        raise SettingsError(why_not)
    log.warning("the orthophoto is younger than the flight", orthophoto=found.id, reason=why_not)
    return None
