"""Boxes of degrees around a part of a plane: (west, south, east, north)."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from contract.datum import Datum
from contract.geometry import offset
from edge.flights.local import LocalPlane

Box: TypeAlias = tuple[float, float, float, float]

DATUM_REACH_M = 2_000.0
"""What is drawn on a public map lies at most 1.7 km off."""
MARGIN_M = 100.0


def degrees_of(box_m: Box, plane: LocalPlane) -> Box:
    """The box of degrees around a box of the plane, in metres."""
    west, south, east, north = box_m
    corners = plane.degrees(np.array([[x, y] for x in (west, (west + east) / 2, east) for y in (south, north)]))
    (left, low), (right, high) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return left, low, right, high


def widened(box: Box, datum: Datum, plane: LocalPlane) -> Box:
    """A box that holds the same things as they are written down in a datum."""
    metres = MARGIN_M if datum is Datum.WGS84 else DATUM_REACH_M
    far = offset(plane.origin, metres, metres)
    across, down = abs(far.longitude - plane.origin.longitude), abs(far.latitude - plane.origin.latitude)
    return box[0] - across, box[1] - down, box[2] + across, box[3] + down
