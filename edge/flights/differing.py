"""What two flights over the same ground differ in: their surfaces laid on each other, and what has risen or sunk."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path

import numpy as np
import shapely
import shapely.affinity
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from edge.flights.abreast import abreast
from edge.flights.anchoring import Anchor, anchored
from edge.flights.local import LocalPlane
from edge.flights.looking import Look, Place, looks
from edge.flights.pictured import Pictured, Views
from edge.flights.placed import Placed, Unusable
from edge.flights.shelf import Shelf
from edge.flights.shots import NoProgress, Progress
from edge.flights.surfacing import Surfaced, surfaced
from edge.vision.arrays import Doubles
from edge.vision.surface.aligning import Shifts, laid, shifts_between
from edge.vision.surface.asking import ChangeModel, changed
from edge.vision.surface.cues import RiseCues, Sights, cues_of, pairwise
from edge.vision.surface.likelihood import likelihood
from edge.vision.surface.outlining import Outlined, mask_on, outlined
from edge.vision.surface.patches import Seen, on_level, patch_around, seen_by_all
from edge.vision.surface.reclaiming import reclaimed
from edge.vision.surface.rising import Rise, rises
from edge.vision.surface.shots import Picture
from edge.vision.surface.surfaces import Grid, Heights, Window
from edge.vision.surface.tiling import tiles

ANCHORED_SIGMA_M = 0.3
"""Of a flight that known buildings place: what their outlines are drawn to. One with RTK knows better."""
REACH_M = 12.0
"""How far two flights may be apart: receivers without corrections, twice."""
TILE_M, MARGIN_M = 200.0, 40.0
"""What is compared at once, and what is known around it."""
STANDS_M, GROUND_M = 2.0, 25.0
"""What is so far above the ground within such a distance is a roof."""
LEAST_KNOWN, LEAST_ALIKE = 0.25, 0.4
"""Share of a rise whose height before was seen; below, older pictures must agree about the ground beside it, as this
correlation: what none of them showed may have stood there always."""
_EXAMINED_CELLS = 4
_OUTLINE_SIGMA_M = 0.25
_PATCH_MARGIN_M = 2.5


class DifferenceKind(StrEnum):
    """What the surface did."""

    ROSE = "rose"
    SANK = "sank"


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """One place. `outline_m` (n, 2) where it stands, in metres of the newer flight's plane, as the baseline is placed.

    `top_m`: height of its surface where it stands, in the baseline's heights; `gain_m` by how much that is higher than
    what the other flight shows. `sigma_m` of its middle along one axis. `older`, `newer`: the picture of each flight
    that shows it best.
    """

    outline_m: Doubles
    area_m2: float
    kind: DifferenceKind
    confidence: float
    top_m: float
    gain_m: float
    sigma_m: float
    cues: RiseCues
    older: int
    newer: int
    on_roof: bool
    """It stands (or stood) on something that stood already: a storey, a room on a roof."""


@dataclass(frozen=True, slots=True, eq=False)
class Differences:
    """All of it in metres of the newer flight's plane, as the baseline's poses have it, or as known buildings do."""

    found: tuple[Difference, ...]
    examined: BaseGeometry
    """Ground whose height both flights show."""
    refused: tuple[Unusable, ...]
    """Frames that were not compared, and why."""
    pairs: tuple[int, int]
    """Pairs of pictures in which heights were measured, of the older flight and of the newer."""
    agreement_px: tuple[tuple[float, float], tuple[float, float]]
    """Median of what poses disagree by, before and after they were adjusted; of the older flight and of the newer."""
    residual_m: float
    """Median of what the heights of both days differ by, without sign."""
    anchor: Anchor | None
    """By known buildings; None: both are placed as the baseline says."""
    older: Views
    newer: Views
    shifts: Shifts | None
    """None: nothing could be compared; `refused` says why."""

    def shown(self, difference: Difference, *, newer: bool, margin_m: float) -> Picture | None:
        """The place as one flight shows it, on the level of what stands there (or stood); north is up."""
        places = difference.outline_m - self.moved
        patch = patch_around(places, margin_m)
        flight, index = (self.newer, difference.newer) if newer else (self.older, difference.older)
        picture = flight.picture(index)
        if patch is None or picture is None or self.shifts is None:
            return None
        shift = self.shifts.at(places.mean(axis=0)[None])[0] if newer else np.zeros(3)
        stands = (difference.kind is DifferenceKind.ROSE) == newer
        level = difference.top_m - (0.0 if stands else difference.gain_m)
        return on_level(Seen(flight.eyes[index], picture, shift), patch, level)

    @property
    def moved(self) -> Doubles:
        """(2,): what known buildings moved all places by."""
        return np.zeros(2) if self.anchor is None else np.array((self.anchor.east_m, self.anchor.north_m))


def differences(
    older: Placed,
    newer: Placed,
    progress: Progress | None = None,
    known: Sequence[BaseGeometry] = (),
    model: ChangeModel | None = None,
) -> Differences:
    """Measures the surface of both flights and compares them.

    `known`: outlines of buildings, in metres of the newer flight's plane; where they are told apart on the older
    surface, and its flight knows its place less exactly, all places are moved onto them. `model`: asked about each
    place that has risen or sunk. A frame that cannot be used costs itself only. Memory does not grow with the flights'
    pixels; heights are in files of the folder for temporary files, 9 bytes for 0.06 m² of each flight, and pictures as
    they are compared, 1.5 GB of each flight at most.

    Raises:
        OSError: heights cannot be written.
        edge.inference.errors.ModelError: the model fails.
    """
    progress = progress or NoProgress()
    with tempfile.TemporaryDirectory(prefix="gridsentry-survey-") as name:
        flights = {"baseline": older, "flight": newer}
        before, after = measured(flights, newer.flight.plane, Path(name), progress)
        return between(before, after, progress, known, model)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A flight and its surface; None: no two of its pictures show the same ground."""

    placed: Placed
    pictured: Pictured
    surfaced: Surfaced | None


def measured(flights: Mapping[str, Placed], plane: LocalPlane, folder: Path, progress: Progress) -> list[Measured]:
    """The surfaces of flights, by what progress calls them, at the same time; in metres of one plane.

    They can be compared as long as `folder` is there. Raises OSError if heights cannot be written.
    """
    pictured = [Pictured(each, plane, shelf=Shelf(folder, name)) for name, each in flights.items()]
    works = [partial(surfaced, each, folder, name) for each, name in zip(pictured, flights, strict=True)]
    found = abreast(works, progress)
    return [Measured(*each) for each in zip(flights.values(), pictured, found, strict=True)]


def between(
    older: Measured,
    newer: Measured,
    progress: Progress,
    known: Sequence[BaseGeometry] = (),
    model: ChangeModel | None = None,
) -> Differences:
    """As `differences`, of flights that were measured in the newer one's plane. Raises ModelError as it does."""
    before, after, then, now = older.pictured, newer.pictured, older.surfaced, newer.surfaced
    refused = _refused((older, newer))
    if then is None or now is None:
        return not_compared(before, after, refused)
    shifts = shifts_between(then.surface, now.surface, REACH_M)
    if shifts is None:
        alone = Unusable(after.name(0), "its flight and the baseline do not share enough ground that both show")
        return not_compared(before, after, [alone, *refused])
    anchor = anchored(then.surface, known) if known and shared_sigma_m(older.placed) > ANCHORED_SIGMA_M else None
    compared = Compared(then, now, shifts, model)
    found, examined = searched(compared, progress)
    return put_together(compared, found, examined, (*refused, *_refused((older, newer))), anchor)


def _refused(flights: Sequence[Measured]) -> list[Unusable]:
    """Frames that are not compared, by now: reading pictures again may find more. What decides comes first: people are
    told the first reason."""
    found = [why for each in flights if each.surfaced is None for why in nothing_measured(each.pictured)]
    found += [why for each in flights for why in each.pictured.unusable]
    return found + [why for each in flights if each.surfaced is not None for why in each.surfaced.refused]


def shared_sigma_m(placed: Placed) -> float:
    """How far all of a flight may be off along one level axis, as it says itself."""
    return float(np.sqrt(np.mean(np.diagonal(placed.errors[0].shared)[:2])))


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Two surfaces, and how the newer lies on the older."""

    older: Surfaced
    newer: Surfaced
    shifts: Shifts
    model: ChangeModel | None = None

    def looks(self, flight: Surfaced, place: Place, tile: _Tile) -> tuple[list[Look], int]:
        """As `edge.flights.looking.looks`."""
        newer = flight is self.newer
        shift = self.shifts.at(place.middle[None])[0] if newer else np.zeros(3)
        return looks(flight.pictured, shift, place, tile.of(newer), tile.highest_m[newer])


@dataclass(frozen=True, slots=True, eq=False)
class _Tile:
    """Heights of both flights, laid on each other."""

    grid: Grid
    before: Heights
    after: Heights
    highest_m: tuple[float, float]
    """Of the older one and of the newer."""

    def of(self, newer: bool) -> Heights:
        """One flight's."""
        return self.after if newer else self.before


def nothing_measured(pictured: Pictured) -> list[Unusable]:
    """Why a flight has no surface."""
    if not len(pictured):
        return []
    return [
        Unusable(
            pictured.name(0),
            "no two pictures of its flight that can be used show the same ground: heights cannot be measured",
        )
    ]


def not_compared(before: Views, after: Views, refused: Sequence[Unusable]) -> Differences:
    """Nothing was, and why."""
    nothing = ((0.0, 0.0), (0.0, 0.0))
    return Differences((), shapely.Polygon(), tuple(refused), (0, 0), nothing, 0.0, None, before, after, None)


def put_together(
    compared: Compared,
    found: Sequence[Difference],
    examined: BaseGeometry,
    refused: Sequence[Unusable],
    anchor: Anchor | None,
) -> Differences:
    """What was searched as one, the most likely first; all places moved onto known buildings."""
    then, now = compared.older, compared.newer
    result = Differences(
        tuple(sorted(found, key=lambda each: -each.confidence)),
        examined,
        tuple(dict.fromkeys(refused)),
        (then.pairs, now.pairs),
        (then.agreement_px, now.agreement_px),
        compared.shifts.residual_m,
        anchor,
        then.pictured,
        now.pictured,
        compared.shifts,
    )
    return result if anchor is None else _at_anchor(result)


def _at_anchor(found: Differences) -> Differences:
    moved = found.moved
    places = tuple(replace(each, outline_m=each.outline_m + moved) for each in found.found)
    return replace(found, found=places, examined=shapely.affinity.translate(found.examined, *moved))


def searched(compared: Compared, progress: Progress) -> tuple[list[Difference], BaseGeometry]:
    """What differs, and the ground whose height both show. Tile by tile of the older surface's grid."""
    grid = compared.older.surface.grid
    parts = list(tiles(grid, round(TILE_M / grid.cell_m), round(MARGIN_M / grid.cell_m)))
    found: list[Difference] = []
    areas: list[BaseGeometry] = []
    progress.begins("compared", len(parts))
    for core, around in parts:
        progress.advances()
        if compared.older.surface.is_empty(core):
            continue
        before, agreed_before = compared.older.surface.read(around)
        after, agreed_after = laid(compared.newer.surface, compared.shifts, grid, around)
        both = np.isfinite(before) & np.isfinite(after)
        if not both.any():
            continue
        areas.append(_area(both, grid, core, around))
        highest = float(np.nanmax(before)), float(np.nanmax(after))
        tile = _Tile(_grid_of(grid, around), before, after, highest)
        pieces = [(DifferenceKind.ROSE, each) for each in rises(before, after, agreed_after, grid.cell_m)]
        lower = agreed_before.astype(np.float32)
        pieces += [(DifferenceKind.SANK, each) for each in rises(after, before, lower, grid.cell_m)]
        for kind, rise in pieces:
            if _within(rise, core, around):
                difference = _difference(compared, tile, kind, rise)
                if difference is not None:
                    found.append(difference)
    return found, shapely.union_all(areas) if areas else shapely.Polygon()


def _grid_of(grid: Grid, window: Window) -> Grid:
    """A window as a grid of its own."""
    west, north = grid.west_m + window.column * grid.cell_m, grid.north_m - window.row * grid.cell_m
    return Grid(west, north, window.rows, window.columns, grid.cell_m)


def _within(rise: Rise, core: Window, around: Window) -> bool:
    """Whether its middle lies in the core: each piece belongs to one tile."""
    row = around.row + rise.row + rise.mask.shape[0] // 2
    column = around.column + rise.column + rise.mask.shape[1] // 2
    down, across = row - core.row, column - core.column
    return bool(0 <= down < core.rows and 0 <= across < core.columns)


def _area(both: NDArray[np.bool], grid: Grid, core: Window, around: Window) -> BaseGeometry:
    """What both flights show of a tile's core, to a metre."""
    top, left = core.row - around.row, core.column - around.column
    shown = both[top : top + core.rows, left : left + core.columns].astype(np.float32)
    rows, columns = -(-core.rows // _EXAMINED_CELLS), -(-core.columns // _EXAMINED_CELLS)
    padded = np.zeros((rows * _EXAMINED_CELLS, columns * _EXAMINED_CELLS), np.float32)
    padded[: core.rows, : core.columns] = shown
    share = padded.reshape(rows, _EXAMINED_CELLS, columns, _EXAMINED_CELLS).mean(axis=(1, 3))
    step = grid.cell_m * _EXAMINED_CELLS
    west, north = grid.west_m + core.column * grid.cell_m, grid.north_m - core.row * grid.cell_m
    strips = []
    for row, line in enumerate(share >= 0.5):
        ends = np.flatnonzero(np.diff(np.concatenate(([0], line.view(np.int8), [0]))))
        for first, last in ends.reshape(-1, 2):
            strips.append(
                shapely.box(west + first * step, north - (row + 1) * step, west + last * step, north - row * step)
            )
    return shapely.union_all(strips)


def _difference(compared: Compared, tile: _Tile, kind: DifferenceKind, rise: Rise) -> Difference | None:
    """None where no picture shows it, or nothing of it is left once it is outlined."""
    rows, columns = np.nonzero(rise.mask)
    places = tile.grid.metres(np.stack((columns + rise.column + 0.5, rows + rise.row + 0.5), axis=1))
    patch = patch_around(places, _PATCH_MARGIN_M)
    if patch is None:
        return None
    low_m = rise.top_m - rise.gain_m
    # What stands is seen by the flight that shows it, the ground below it by the other one.
    standing, ground = compared.newer, compared.older
    if kind is DifferenceKind.SANK:
        standing, ground = ground, standing
    top, bottom = (Place(places, up_m, tile.grid, patch) for up_m in (rise.top_m, low_m))
    stands, pictures = compared.looks(standing, top, tile)
    lies, _ = compared.looks(ground, bottom, tile)
    over, _ = compared.looks(ground, top, tile)
    if not stands or not lies:
        return None
    # What the other flight shows at its very edge it may show of the ground alone.
    through = over[0] if over else lies[0]
    cells = mask_on(rise, tile.grid, patch)
    befores = [each.on(patch, low_m) for each in lies]
    if rise.known < LEAST_KNOWN and pairwise(befores, cells) < LEAST_ALIKE:
        return None
    tops = [each.on(patch, rise.top_m) for each in stands]
    heights = tile.of(standing is compared.newer)
    roof = reclaimed(cells, patch, tile.grid, heights, [each.seen for each in stands], rise.top_m, low_m)
    shape = outlined(roof, patch, seen_by_all(tops))
    if shape is None:
        return None
    sights = Sights(
        tops=tops,
        befores=befores,
        through=through.on(patch, rise.top_m),
        pictures=pictures,
    )
    cues = cues_of(rise, shape, cells, sights)
    levels = (lies, low_m), (stands, rise.top_m)
    (older, older_m), (newer, newer_m) = levels if kind is DifferenceKind.ROSE else levels[::-1]
    if compared.model is not None:
        shown = (older[0].seen, older_m), (newer[0].seen, newer_m)
        cues = replace(cues, changed=changed(compared.model, *shown, shape.outline_m))
    on_roof = low_m - _ground_m(tile, tile.of(ground is compared.newer), places) > STANDS_M
    return _made(compared, kind, rise, shape, cues, (older[0].index, newer[0].index), on_roof=on_roof)


def _made(
    compared: Compared,
    kind: DifferenceKind,
    rise: Rise,
    shape: Outlined,
    cues: RiseCues,
    shown: tuple[int, int],
    *,
    on_roof: bool,
) -> Difference:
    sigma = float(np.hypot(_OUTLINE_SIGMA_M, compared.shifts.residual_m))
    return Difference(
        outline_m=shape.outline_m,
        area_m2=shape.area_m2,
        kind=kind,
        confidence=likelihood(cues),
        top_m=rise.top_m,
        gain_m=rise.gain_m,
        sigma_m=sigma,
        cues=cues,
        older=shown[0],
        newer=shown[1],
        on_roof=on_roof,
    )


def _ground_m(tile: _Tile, heights: Heights, places: Doubles) -> float:
    """Of the ground around a place: what hardly anything within 25 m is lower than. Infinite if nothing is known."""
    cells = tile.grid.cells(places)
    margin = GROUND_M / tile.grid.cell_m
    low, high = np.maximum(cells.min(axis=0) - margin, 0).astype(int), (cells.max(axis=0) + margin).astype(int)
    around = heights[low[1] : high[1], low[0] : high[0]]
    known = around[np.isfinite(around)]
    return float(np.quantile(known, 0.05)) if len(known) else float("inf")
