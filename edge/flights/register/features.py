"""One entry of the register, whichever file it came from. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeAlias

from shapely import MultiPolygon, Polygon

Outline: TypeAlias = Polygon | MultiPolygon
"""Of positive area, valid, in metres east and north of a `LocalPlane`."""


class Layer(StrEnum):
    """What an entry says of its place."""

    APPROVED = "approved"
    """A building that may stand there."""
    PERMIT = "permit"
    """Something may be built there, perhaps for a time."""
    ROAD = "road"
    GREEN = "green"
    WATER = "water"
    ORDER = "order"
    """What stands there must be taken down."""


class Validity(StrEnum):
    """Whether a permit holds on a day."""

    VALID = "valid"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    UNREADABLE = "unreadable"
    """Its dates could not be read: it covers nothing, and people are told why."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """An entry of the register in one flight's plane."""

    layer: Layer
    id: str
    outline: Outline
    sigma_m: float
    """Standard deviation of its outline, of one axis."""
    where: str
    """File and feature, for people."""
    name: str = ""
    valid_from: date | None = None
    """The first day. None: from ever."""
    valid_until: date | None = None
    """The last day, itself included. None: without end."""
    dates_readable: bool = True
    height_m: float | None = None
    area_m2: float | None = None
    """The most that may be built over, where the permit says less than its outline."""

    def validity(self, day: date) -> Validity:
        """Whether it holds on a day of the register's time zone."""
        if not self.dates_readable:
            return Validity.UNREADABLE
        if self.valid_from is not None and day < self.valid_from:
            return Validity.NOT_YET
        if self.valid_until is not None and day > self.valid_until:
            return Validity.EXPIRED
        return Validity.VALID
