"""What an orthophoto, or its surface model, cannot be used for."""

from __future__ import annotations

from edge.flights.material import FlightError


class OrthophotoError(FlightError):
    """The message names the file, what was found and what to do."""


class ElsewhereError(OrthophotoError):
    """It is whole, but shows nothing of a flight's ground."""
