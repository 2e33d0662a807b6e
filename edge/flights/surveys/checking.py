"""What of an area can be tried out before a flight is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from edge.config.areas import AreaSettings
from edge.flights.orthophotos.errors import OrthophotoError
from edge.flights.orthophotos.orthophoto import orthophoto_at
from edge.flights.orthophotos.settings import OrthophotoSettings
from edge.flights.orthophotos.trying import tried
from edge.flights.surveys.settings import SettingsError, read_settings


def problems_of(area: AreaSettings) -> Iterator[str]:
    """What would stop its surveys: settings, files of the register, terrain, the orthophoto, the watched folder."""
    try:
        settings = read_settings(area.settings)
    except SettingsError as error:
        yield from str(error).splitlines()
    else:
        base = Path() if area.settings is None else area.settings.parent
        files = [] if settings.register_ is None else [base / file.path for _, file in settings.register_.files()]
        if settings.flight.ground.elevation is not None:
            files.append(settings.flight.ground.elevation)
        for file in files:
            if not file.is_file():
                yield f"{file}: no such file; {area.settings} names it"
        yield from _of_orthophoto(settings.orthophoto)
        if settings.taken_at is not None and area.flights is not None:
            yield f"{area.settings}: found taken_at, expected none for a watched area: it would be every flight's"
    if area.flights is not None and not area.flights.is_dir():
        yield f"{area.flights}: no such folder, expected the one in which flights appear"
    elif area.flights is not None and not os.access(area.flights, os.W_OK | os.X_OK):
        yield f"{area.flights}: this user may not write there: what cannot be surveyed could not be put aside"


def _of_orthophoto(settings: OrthophotoSettings) -> Iterator[str]:
    if settings.path is None:
        return
    try:
        tried(orthophoto_at(settings.path, settings))
    except OrthophotoError as error:
        yield str(error)
