"""What the library must know of a flight: from its mosaic, or from its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from edge.flights.ingesting import Ingested
from edge.flights.library.entries import LibraryError, outline_of
from edge.flights.library.store import mosaic_of
from edge.flights.material import shown
from edge.flights.mosaic.framing import framed
from edge.flights.mosaic.framing import outline_of as ground_of

_STEP_M = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """Of a flight."""

    flight: str
    taken_at: datetime | None
    outline: BaseGeometry
    """In degrees."""
    gsd_m: float | None


def of_mosaic(folder: Path, flight: Path) -> Described:
    """What a mosaic says of its flight, which is not read.

    Raises:
        LibraryError: no mosaic, or one of another flight.
    """
    manifest = mosaic_of(folder)
    name = (flight if flight.is_dir() else flight.with_suffix("")).absolute().name
    if manifest.flight != shown(name)[:100]:
        raise LibraryError(f"{folder}: is the mosaic of {manifest.flight}, expected that of {shown(name)}")
    try:
        outline = outline_of(manifest.outline)
    except ValueError as error:
        raise LibraryError(f"{folder}: its outline cannot be used: {error}") from None
    return Described(manifest.flight, manifest.taken_at, outline, manifest.gsd_m)


def of_flight(ingested: Ingested) -> Described:
    """Raises:
    LibraryError: not one picture of it can be used.
    """
    flight = ingested.flight
    frames, _ = framed(flight.frames, [each.pose for each in flight.frames], ingested.ground, flight.plane)
    if not frames:
        raise LibraryError(f"{flight.id}: no picture of it can be used; `gridsentry-edge flight` says why")
    outline = shapely.transform(shapely.simplify(ground_of(frames), _STEP_M), flight.plane.degrees)
    times = [each.taken_at for each in flight.frames if each.taken_at is not None]
    gsd = float(np.median([each.gsd_m for each in frames]))
    return Described(flight.id, max(times, default=None), outline, round(gsd, 4))
