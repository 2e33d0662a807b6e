"""Whether two pictures of a flight put the same thing in the same place, as far as their errors allow.

What frames of a flight share (satellites, pressure, compass, lens, the ground's height) mostly cancels between two of
them, and must not excuse that they disagree: only its effect on the difference counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge.flights.locating import Locator
from edge.flights.uncertainty import PoseErrors
from edge.vision.arrays import Doubles
from edge.vision.ground import radius_95
from edge.vision.rays import EAST, FOCAL, GROUND, PIXEL_X, PIXEL_Y, TURN_UP


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Of n things seen in both pictures; things without a place in either are left out."""

    offsets_m: Doubles
    """(n, 2): east and north, from the first picture's place to the second's."""
    covariances_m2: Doubles
    """(n, 2, 2) of the offsets."""

    @property
    def distances_m(self) -> Doubles:
        """(n,)"""
        return np.asarray(np.linalg.norm(self.offsets_m, axis=1))

    @property
    def radii_95_m(self) -> Doubles:
        """(n,): what 95 % of distances should stay within. Things of one pair of pictures are wrong together."""
        return np.array([radius_95(covariance) for covariance in self.covariances_m2])

    @property
    def share_within(self) -> float:
        """Of distances within their radius; NaN for none."""
        return float((self.distances_m <= self.radii_95_m).mean()) if len(self.offsets_m) else float("nan")


def agreement(
    first: Locator, second: Locator, pixels: tuple[Doubles, Doubles], errors: tuple[PoseErrors, PoseErrors]
) -> Agreement:
    """Of things at `pixels` (n, 2) of the first picture and (n, 2) of the second, of one flight and one camera."""
    here, there = first.places(pixels[0]), second.places(pixels[1])
    known = np.isfinite(here.sensitivity).all(axis=(1, 2)) & np.isfinite(there.sensitivity).all(axis=(1, 2))
    one, other = here.sensitivity[known], there.sensitivity[known]
    common = (other - one)[:, :, EAST : GROUND + 1]
    shared = np.zeros((GROUND + 1, GROUND + 1))
    shared[: TURN_UP + 1, : TURN_UP + 1] = (errors[0].shared + errors[1].shared) / 2
    shared[FOCAL, FOCAL] = first.lens.focal_sigma**2
    shared[GROUND, GROUND] = first.ground.sigma_m**2
    spread = common @ shared @ common.swapaxes(1, 2)
    for sensitivity, own, locator in ((one, errors[0].own, first), (other, errors[1].own, second)):
        posed, pointed = sensitivity[:, :, EAST : TURN_UP + 1], sensitivity[:, :, PIXEL_X : PIXEL_Y + 1]
        spread += posed @ own @ posed.swapaxes(1, 2)
        spread += locator.pixel_sigma_px**2 * pointed @ pointed.swapaxes(1, 2)
    return Agreement((there.points - here.points)[known, :2], spread)
