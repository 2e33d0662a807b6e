"""The map of a flight: what its pictures cover, once, twice and not at all, the track, and where it began and ended."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from shapely import Polygon

from contract.geometry import Polygon as GeoPolygon
from edge.detectors.interface import Image
from edge.flights.footprints import footprint_of
from edge.flights.ingesting import Ingested
from edge.flights.local import LocalPlane
from edge.flights.locating import Locator
from edge.flights.reporting import FlightReport
from edge.vision.arrays import Doubles

Bgr = tuple[int, int, int]
WIDTH, HEIGHT = 1400, 1000
_TOP, _SIDE, _MARGIN = 92, 300, 36
_PAPER: Bgr = (250, 251, 252)
_FIELD: Bgr = (238, 241, 243)
_INK: Bgr = (58, 48, 40)
_SOFT: Bgr = (135, 125, 118)
_LINE: Bgr = (222, 216, 210)
_TRACK: Bgr = (96, 62, 30)
_GAP: Bgr = (52, 52, 214)
_START: Bgr = (72, 150, 40)
_END: Bgr = (40, 60, 200)
_ONCE: Bgr = (150, 208, 246)
_OFTEN: tuple[Bgr, ...] = ((206, 214, 150), (190, 190, 104), (172, 164, 62))
"""Seen by two, three, and four or more pictures: the more, the deeper. Amber against teal, for all eyes."""
_FONT = cv2.FONT_HERSHEY_DUPLEX
_LEAST_SPAN_M = 20.0
_MOST_OUTLINES = 400
"""More of them hide what they outline."""


@dataclass(frozen=True, slots=True)
class _View:
    """From metres of the plane to pixels of the map."""

    west_m: float
    north_m: float
    metres_per_pixel: float
    left: int
    top: int

    def pixels(self, metres: Doubles) -> NDArray[np.int32]:
        """(n, 2), in sixteenths of a pixel, as OpenCV takes them with `shift=4`."""
        across = (np.asarray(metres)[:, 0] - self.west_m) / self.metres_per_pixel + self.left
        down = (self.north_m - np.asarray(metres)[:, 1]) / self.metres_per_pixel + self.top
        # OpenCV's own arithmetic overflows far outside of the picture.
        return np.clip(np.stack((across, down), axis=1) * 16, -(1 << 20), 1 << 20).round().astype(np.int32)


def draw_flight(ingested: Ingested) -> Image:
    """A (1000, 1400, 3) map with north above; the same flight gives the same picture."""
    flight, report = ingested.flight, ingested.report
    plane = flight.plane
    outlines = [
        footprint_of(Locator(frame, ingested.ground, plane).outline()) for frame in flight.frames
    ]  # in the order of the frames
    track = _track(report, plane)
    gaps = [_ring(gap, plane) for gap in report.coverage.gaps]
    sheet = np.full((HEIGHT, WIDTH, 3), _PAPER, np.uint8)
    view = _view([*(np.asarray(each.exterior.coords)[:, :2] for each in outlines if not each.is_empty), track])
    _draw_field(sheet, view, outlines, gaps)
    places = np.array([(frame.pose.east_m, frame.pose.north_m) for frame in flight.frames]).reshape(-1, 2)
    _draw_track(sheet, view, track, places)
    cv2.rectangle(sheet, (_MARGIN, _TOP), (WIDTH - _SIDE, HEIGHT - _MARGIN), _LINE, 1)
    _draw_title(sheet, report)
    _draw_legend(sheet, report, gaps=bool(gaps))
    _draw_scale(sheet, view.metres_per_pixel)
    _draw_north(sheet)
    return sheet


def _track(report: FlightReport, plane: LocalPlane) -> Doubles:
    points = np.array(report.track.coordinates, np.float64).reshape(-1, 2)
    metres = plane.metres(points[:, 0], points[:, 1]).reshape(-1, 2)
    return np.asarray(metres[np.isfinite(metres).all(axis=1)])


def _ring(polygon: GeoPolygon, plane: LocalPlane) -> Doubles:
    ring = np.array(polygon.coordinates[0], np.float64)
    return plane.metres(ring[:, 0], ring[:, 1])


def _view(shapes: Sequence[Doubles]) -> _View:
    """All of it, in the middle, with a little room around."""
    points = np.concatenate([*(shape for shape in shapes if len(shape)), np.zeros((0, 2))])
    if not len(points):
        points = np.zeros((1, 2))
    (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
    span = max(east - west, north - south, _LEAST_SPAN_M) * 0.04
    west, south, east, north = west - span, south - span, east + span, north + span
    wide, high = WIDTH - _SIDE - _MARGIN, HEIGHT - _MARGIN - _TOP
    step = max((east - west) / wide, (north - south) / high)
    return _View(
        float((west + east) / 2 - step * wide / 2), float((south + north) / 2 + step * high / 2), step, _MARGIN, _TOP
    )


def _draw_field(sheet: Image, view: _View, outlines: Sequence[Polygon], gaps: Sequence[Doubles]) -> None:
    """How many pictures show each place, then gaps, then the outlines of pictures."""
    field = sheet[_TOP : HEIGHT - _MARGIN, _MARGIN : WIDTH - _SIDE]
    field[:] = _FIELD
    counts = np.zeros((HEIGHT, WIDTH), np.uint8)
    one = np.zeros_like(counts)
    rings = [view.pixels(np.asarray(shape.exterior.coords)[:, :2]) for shape in outlines if not shape.is_empty]
    for ring in rings:
        one[:] = 0
        cv2.fillPoly(one, [ring], 1, shift=4)
        cv2.add(counts, one, dst=counts)
    inside = counts[_TOP : HEIGHT - _MARGIN, _MARGIN : WIDTH - _SIDE]
    field[inside == 1] = _ONCE
    for number, colour in enumerate(_OFTEN, start=2):
        field[inside >= number] = colour
    if rings and len(rings) <= _MOST_OUTLINES:
        ruled = sheet.copy()
        cv2.polylines(ruled, rings, isClosed=True, color=(255, 255, 255), thickness=1, lineType=cv2.LINE_AA, shift=4)
        cv2.addWeighted(ruled, 0.6, sheet, 0.4, 0, dst=sheet)
    for gap in gaps:
        _hatch(sheet, view.pixels(gap))


def _hatch(sheet: Image, ring: NDArray[np.int32]) -> None:
    mask = np.zeros(sheet.shape[:2], np.uint8)
    cv2.fillPoly(mask, [ring], 255, shift=4)
    rows, columns = np.indices(mask.shape)
    sheet[(mask > 0) & ((rows + columns) % 9 < 3)] = _GAP
    cv2.polylines(sheet, [ring], isClosed=True, color=_GAP, thickness=2, lineType=cv2.LINE_AA, shift=4)


def _draw_track(sheet: Image, view: _View, track: Doubles, places: Doubles) -> None:
    if len(track):
        line = view.pixels(track)
        cv2.polylines(sheet, [line], isClosed=False, color=_TRACK, thickness=2, lineType=cv2.LINE_AA, shift=4)
    for x, y in view.pixels(places) if len(places) else ():
        cv2.circle(sheet, (int(x), int(y)), 4 * 16, (255, 255, 255), -1, cv2.LINE_AA, 4)
        cv2.circle(sheet, (int(x), int(y)), 3 * 16, _TRACK, -1, cv2.LINE_AA, 4)
    if len(track):
        first, last = (view.pixels(track[[end]])[0] // 16 for end in (0, -1))
        _triangle(sheet, (int(first[0]), int(first[1])))
        _square(sheet, (int(last[0]), int(last[1])))


def _triangle(sheet: Image, at: tuple[int, int]) -> None:
    x, y = at
    points = np.array([(x, y - 11), (x + 10, y + 7), (x - 10, y + 7)], np.int32)
    cv2.fillPoly(sheet, [points], _START, cv2.LINE_AA)
    cv2.polylines(sheet, [points], isClosed=True, color=(255, 255, 255), thickness=2, lineType=cv2.LINE_AA)


def _square(sheet: Image, at: tuple[int, int]) -> None:
    x, y = at
    cv2.rectangle(sheet, (x - 8, y - 8), (x + 8, y + 8), _END, -1)
    cv2.rectangle(sheet, (x - 8, y - 8), (x + 8, y + 8), (255, 255, 255), 2, cv2.LINE_AA)


def _write(sheet: Image, text: str, at: tuple[int, int], size: float = 0.5, colour: Bgr = _INK) -> None:
    # The font has no other letters than these.
    plain = text.replace("²", "2").replace("—", "-").encode("ascii", "replace").decode()
    cv2.putText(sheet, plain, at, _FONT, size, colour, 1, cv2.LINE_AA)


def _draw_title(sheet: Image, report: FlightReport) -> None:
    _write(sheet, f"Flight {report.flight}"[:60], (_MARGIN, 42), 0.95)
    said = [f"{report.pictures_used} of {report.pictures_found} pictures used"]
    if report.began_at is not None:
        said.insert(0, report.began_at.strftime("%Y-%m-%d %H:%M %Z"))
    if report.seconds:
        said.append(f"{report.seconds / 60:.1f} min")
    if report.length_m:
        said.append(f"{report.length_m:,.0f} m flown")
    if report.height_m is not None:
        said.append(f"{report.height_m.median:.0f} m above ground")
    _write(sheet, "   |   ".join(said), (_MARGIN, 72), 0.52, _SOFT)


def _draw_legend(sheet: Image, report: FlightReport, *, gaps: bool) -> None:
    left, y = WIDTH - _SIDE + 24, _TOP + 96
    swatches = [(_ONCE, "seen by one picture"), *zip(_OFTEN, ("by two", "by three", "by four or more"), strict=True)]
    for colour, words in swatches:
        cv2.rectangle(sheet, (left, y - 13), (left + 26, y + 4), colour, -1)
        cv2.rectangle(sheet, (left, y - 13), (left + 26, y + 4), _LINE, 1)
        _write(sheet, words, (left + 38, y))
        y += 28
    box = np.array([(left, y - 13), (left + 26, y - 13), (left + 26, y + 4), (left, y + 4)], np.int32) * 16
    _hatch(sheet, box)
    _write(sheet, "gap: not seen" if gaps else "gap: none", (left + 38, y))
    y += 32
    _triangle(sheet, (left + 13, y - 4))
    _write(sheet, "start", (left + 38, y))
    y += 28
    _square(sheet, (left + 13, y - 5))
    _write(sheet, "end", (left + 38, y))
    y += 28
    cv2.line(sheet, (left, y - 5), (left + 26, y - 5), _TRACK, 2, cv2.LINE_AA)
    cv2.circle(sheet, (left + 13, y - 5), 3, _TRACK, -1, cv2.LINE_AA)
    _write(sheet, "track, pictures used", (left + 38, y))
    y += 48
    for name, value in _figures(report):
        _write(sheet, name, (left, y), 0.46, _SOFT)
        _write(sheet, value, (left, y + 21), 0.56)
        y += 52


def _figures(report: FlightReport) -> list[tuple[str, str]]:
    coverage = report.coverage
    found = [("covered", _area(coverage.area_m2)), ("at least twice", _area(coverage.twice_m2))]
    if coverage.gaps_m2:
        found.append(("gaps", _area(coverage.gaps_m2)))
    if coverage.along is not None:
        across = f", {coverage.across.median:.0%} across" if coverage.across is not None else ""
        found.append(("overlap", f"{coverage.along.median:.0%} along{across}"))
    if report.accuracy_m is not None:
        found.append(("places known to (95 %)", f"{report.accuracy_m.median:.1f} m"))
    if report.metres_per_pixel is not None:
        found.append(("a pixel on the ground", f"{report.metres_per_pixel.median * 100:.1f} cm"))
    return found


def _area(square_metres: float) -> str:
    if square_metres >= 1e5:
        return f"{square_metres / 1e6:.2f} km2"
    return f"{square_metres:,.0f} m2"


def _draw_scale(sheet: Image, metres_per_pixel: float) -> None:
    """The longest of 1, 2, 5, 10 … metres that fits."""
    most = 230 * metres_per_pixel
    power = 10.0 ** math.floor(math.log10(most))
    length = next(step * power for step in (5, 2, 1) if step * power <= most)
    pixels = round(length / metres_per_pixel)
    left, y = WIDTH - _SIDE + 24, HEIGHT - _MARGIN - 6
    for part, colour in enumerate((_INK, (255, 255, 255))):
        start, end = left + part * pixels // 2, left + (part + 1) * pixels // 2
        cv2.rectangle(sheet, (start, y - 7), (end, y), colour, -1)
    cv2.rectangle(sheet, (left, y - 7), (left + pixels, y), _INK, 1)
    _write(sheet, f"{length:g} m" if length < 1000 else f"{length / 1000:g} km", (left, y - 16))


def _draw_north(sheet: Image) -> None:
    x, y = WIDTH - _SIDE + 38, _TOP + 38
    left = np.array([(x, y - 30), (x - 13, y + 22), (x, y + 11)], np.int32)
    right = np.array([(x, y - 30), (x + 13, y + 22), (x, y + 11)], np.int32)
    cv2.fillPoly(sheet, [left], _INK, cv2.LINE_AA)
    cv2.fillPoly(sheet, [right], _PAPER, cv2.LINE_AA)
    cv2.polylines(sheet, [left, right], isClosed=True, color=_INK, thickness=1, lineType=cv2.LINE_AA)
    _write(sheet, "N", (x + 24, y + 8), 0.8)
