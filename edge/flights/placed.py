"""A flight whose pictures know where they are, as comparing and laying pictures side by side want it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from edge.flights.flight import Flight
from edge.flights.ground import Ground
from edge.flights.uncertainty import PoseErrors


class Placed(Protocol):
    """A flight, what its poses are above, and how far each of them may be off: `edge.flights.ingesting.Ingested`."""

    @property
    def flight(self) -> Flight:
        """Its frames."""

    @property
    def ground(self) -> Ground:
        """In the same heights as the poses."""

    @property
    def errors(self) -> tuple[PoseErrors, ...]:
        """Of each frame."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """A frame that cannot be compared, and why."""

    frame: str
    why: str
