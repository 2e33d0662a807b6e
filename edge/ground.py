"""Where on the earth the pixels of a calibrated camera are: see `edge.detectors.interface.GroundPort`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from contract.geometry import EARTH_RADIUS_M, RADIUS_95_PER_SIGMA, Location, LocationMethod, Point, at_point, offset
from edge.config.ground import GroundSettings
from edge.detectors.registry import PictureSize, SettingProblem
from edge.vision.ground import LEAST_POINTS, GroundFit, fit_ground

MOST_SUSPECTS = 3
"""More names than that are no help."""


class CalibratedGround:
    """The ground of one camera, for pictures of one size. Immutable."""

    def __init__(self, settings: GroundSettings, across: float = 1.0, down: float = 1.0) -> None:
        """`across` and `down`: how much wider and higher the pictures are than those of the settings' pixels.

        Raises:
            ValueError: the points fit no plane that is seen from above.
        """
        self._settings = settings
        self._across, self._down = across, down
        self._origin = _middle(settings)
        self.fit: GroundFit = fit_ground(
            [point.pixel for point in settings.points],
            [self._metres(point.lon, point.lat) for point in settings.points],
            pixel_error_px=settings.pixel_error_px,
            point_error_m=settings.accuracy_m / RADIUS_95_PER_SIGMA,
        )
        if not all(self.fit.plane.faces(*point.pixel) for point in settings.points):
            raise ValueError(
                "found points that show the ground mirrored or twisted, as if from below; expected places in the same "
                "order as their pixels: are two of them exchanged?"
            )

    @property
    def settings(self) -> GroundSettings:
        """What it was made of."""
        return self._settings

    @property
    def origin(self) -> Point:
        """The middle of the calibration points."""
        return self._origin

    def at(self, x: float, y: float, _media_time: float | None = None) -> Location | None:
        """See `GroundPort.at`. None also where the place is known worse than `max_accuracy_m`."""
        settings = self._settings
        found = self.fit.plane.at(x / self._across, y / self._down, settings.pixel_error_px)
        if found is None:
            return None
        # All points may be off together, as a map is: that does not show in how they agree.
        accuracy = math.hypot(found.radius_95_m, settings.accuracy_m)
        if not accuracy <= settings.max_accuracy_m:
            return None
        place = offset(self._origin, found.east_m, found.north_m)
        return at_point(place.longitude, place.latitude, round(accuracy, 2), LocationMethod.HOMOGRAPHY)

    def metres_per_pixel(self, x: float, y: float, _media_time: float | None = None) -> float | None:
        """See `GroundPort.metres_per_pixel`."""
        found = self.fit.plane.metres_per_pixel(x / self._across, y / self._down)
        return None if found is None else found / self._across

    def _metres(self, lon: float, lat: float) -> tuple[float, float]:
        """East and north of the origin: the inverse of `contract.geometry.offset`."""
        shrunk = EARTH_RADIUS_M * math.cos(math.radians(self._origin.latitude))
        east = math.radians(lon - self._origin.longitude) * shrunk
        return east, math.radians(lat - self._origin.latitude) * EARTH_RADIUS_M


def ground_of(settings: GroundSettings | None, main: PictureSize, decoded: PictureSize) -> CalibratedGround | None:
    """The ground for pictures of `decoded`, which show what `main` shows; None where it was not calibrated."""
    if settings is None:
        return None
    return CalibratedGround(settings, decoded.width / main.width, decoded.height / main.height)


def ground_problems(settings: GroundSettings | None, size: PictureSize) -> Sequence[SettingProblem]:
    """Calibration points that lie outside of the picture; paths start below the source."""
    return [
        SettingProblem(
            ("ground", "points", number, "pixel"),
            f"found [{point.pixel[0]:g}, {point.pixel[1]:g}], expected a pixel of the {size.width} x {size.height} "
            "picture",
        )
        for number, point in enumerate(settings.points if settings is not None else ())
        if not (0 <= point.pixel[0] <= size.width and 0 <= point.pixel[1] <= size.height)
    ]


def described_fit(ground: CalibratedGround) -> str:
    """For people: how well the calibration's points agree, which fits worst, and how exact places are."""
    settings, fit = ground.settings, ground.fit
    places = [ground.at(*point.pixel) for point in settings.points]
    known = [place.accuracy_m for place in places if place is not None]
    exact = (
        f"places among them are right to {min(known):.1f}-{max(known):.1f} m (95 %)"
        if known
        else (f"not even their own places are known better than {settings.max_accuracy_m:g} m")
    )
    if len(settings.points) == LEAST_POINTS:
        return f"4 points, which fit always: a fifth would tell whether they are right; {exact}"
    rms_m = math.sqrt(math.fsum(one.metres**2 for one in fit.residuals) / len(fit.residuals))
    if not fit.is_contradictory:
        number, worst = max(enumerate(fit.residuals), key=lambda pair: pair[1].deviations)
        off = f"points[{number}] is off by {worst.metres:.2f} m ({worst.pixels:.1f} px)"
        return f"{len(settings.points)} points agree (residual {rms_m:.2f} m, {off} at most); {exact}"
    times = f"{math.sqrt(fit.misfit):.1f} times what accuracy_m and pixel_error_px allow"
    found = f"{len(settings.points)} points contradict each other (residual {rms_m:.2f} m, {times})"
    return f"{found}; {_suspects(ground)}. As it is, {exact}"


def _suspects(ground: CalibratedGround) -> str:
    """Whom to look at first.

    A wrong point pulls the fit towards itself, so that others may lie farther off than it does: the suspects are those
    without which the others agree. With five points any four others do.
    """
    points = ground.settings.points
    if len(points) > LEAST_POINTS + 1:
        misfits = sorted((_misfit_without(ground.settings, index), index) for index in range(len(points)))
        named = [f"points[{index}]" for misfit, index in misfits[:MOST_SUSPECTS] if misfit <= 1]
        if named:
            return f"without {' or '.join(named)} the others agree: look there first"
    number, worst = max(enumerate(ground.fit.residuals), key=lambda pair: pair[1].deviations)
    return f"points[{number}] is off most, by {worst.metres:.2f} m ({worst.pixels:.1f} px)"


def _misfit_without(settings: GroundSettings, index: int) -> float:
    others = (*settings.points[:index], *settings.points[index + 1 :])
    try:
        return CalibratedGround(settings.model_copy(update={"points": others})).fit.misfit
    except ValueError:
        return math.inf  # the others span no ground: this point is needed


def _middle(settings: GroundSettings) -> Point:
    count = len(settings.points)
    lon = math.fsum(point.lon for point in settings.points) / count
    return Point(coordinates=(lon, math.fsum(point.lat for point in settings.points) / count))
