"""Checks a grids file before it becomes a version: the tree, and how the areas lie to each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from contract.datum import to_gcj02
from contract.geometry import EARTH_RADIUS_M
from server.findings import Finding, Grade, Report
from server.grids.geojson import GridFile
from server.grids.model import Grid, Layer

IGNORED_SHARE = 0.0005
"""Overlaps, gaps and overhangs below this part of an area are the noise of digitising, not worth a line."""

TOLERATED_SHARE = 0.01
"""Up to this part they are noted; beyond it the import is refused unless forced: positions would be misplaced."""

_GCJ02_TOLERANCE_M = 60.0
_GCJ02_REMEDY = "convert the file from GCJ-02 to WGS-84 first: storage is WGS-84 only"


def check_grids(file: GridFile, previous: Mapping[str, BaseGeometry] | None = None) -> list[Finding]:
    """All that is wrong with the tree and, if that stands, the areas. `previous`: areas of the version in force."""
    findings = list(_tree_findings(file))
    whole = len(file.geometries) == len(file.grids)
    if file.grids and whole and not any(finding.grade is Grade.ERROR for finding in findings):
        findings += _area_findings(file)
        findings += _shift_findings(file, previous or {})
    return findings


def report_of(file: GridFile | None, findings: Sequence[Finding]) -> Report:
    """The findings with the numbers of grids by level."""
    if file is None:
        return Report(tuple(findings))
    names = {level.level: level.name_en for level in file.levels}
    figures: dict[str, int] = {"grids": len(file.grids)}
    for grid in sorted(file.grids, key=lambda grid: (grid.layer, grid.level)):
        name = "special" if grid.layer is Layer.SPECIAL else names.get(grid.level, f"level {grid.level}")
        figures[name] = figures.get(name, 0) + 1
    return Report(tuple(findings), figures)


def _tree_findings(file: GridFile) -> Iterator[Finding]:
    by_code = {grid.code: grid for grid in file.grids}
    levels = {level.level for level in file.levels}
    roots = [grid for grid in file.grids if grid.parent is None and grid.layer is Layer.ADMIN]
    if len(roots) != 1 and file.grids:
        named = ", ".join(grid.code for grid in roots[:5]) or "none"
        yield _error("roots", file.name, f"found {len(roots)} roots ({named}), expected one admin grid without parent")
    for grid in file.grids:
        yield from _grid_findings(grid, by_code, levels)
    yield from _cycle_findings(by_code)


def _grid_findings(grid: Grid, by_code: Mapping[str, Grid], levels: set[int]) -> Iterator[Finding]:
    if grid.layer is Layer.ADMIN and grid.level not in levels:
        yield _error("unknown_level", grid.code, f"level {grid.level} is not among gridsentry.levels {sorted(levels)}")
    if grid.parent is None:
        if grid.layer is Layer.SPECIAL:
            yield _error("missing_parent", grid.code, "a special grid needs the admin grid that holds it as parent")
        elif grid.level != 0:
            yield _error("level_mismatch", grid.code, f"a root has level 0, found {grid.level}")
        return
    parent = by_code.get(grid.parent)
    if parent is None:
        yield _error("missing_parent", grid.code, f"its parent {grid.parent!r} is not in the file")
    elif parent.layer is Layer.SPECIAL:
        yield _error(
            "special_parent", grid.code, f"its parent {grid.parent!r} is a special grid, expected an admin grid"
        )
    elif grid.layer is Layer.ADMIN and grid.level != parent.level + 1:
        yield _error(
            "level_mismatch",
            grid.code,
            f"level {grid.level} below {parent.code} of level {parent.level}, expected {parent.level + 1}",
        )


def _cycle_findings(by_code: Mapping[str, Grid]) -> Iterator[Finding]:
    safe: set[str] = set()
    for start in by_code:
        trail: dict[str, None] = {}
        code: str | None = start
        while code is not None and code in by_code and code not in safe:
            if code in trail:
                ring = [*trail][[*trail].index(code) :]
                yield _error("cycle", code, "parents go round in a ring: " + " → ".join([*ring, code]))
                break
            trail[code] = None
            code = by_code[code].parent
        safe.update(trail)


def _area_findings(file: GridFile) -> Iterator[Finding]:
    flat = _flattened(file.geometries)
    children: dict[str, list[Grid]] = {}
    for grid in file.grids:
        if grid.parent is not None:
            children.setdefault(grid.parent, []).append(grid)
    for parent, below in children.items():
        for layer in Layer:
            siblings = [grid.code for grid in below if grid.layer is layer]
            yield from _overlap_findings(siblings, flat, layer)
            yield from _overhang_findings(parent, siblings, flat, file.geometries)
        divided = [grid.code for grid in below if grid.layer is Layer.ADMIN]
        if divided:
            yield from _gap_findings(parent, divided, flat)


def _overlap_findings(codes: Sequence[str], flat: Mapping[str, BaseGeometry], layer: Layer) -> Iterator[Finding]:
    if len(codes) < 2:
        return
    areas = np.array([flat[code] for code in codes], dtype=object)
    left, right = shapely.STRtree(areas).query(areas, predicate="intersects")
    pairs = left < right
    left, right = left[pairs], right[pairs]
    overlaps = shapely.area(shapely.intersection(areas[left], areas[right]))
    shares = overlaps / np.minimum(shapely.area(areas[left]), shapely.area(areas[right]))
    for one, other, overlap, share in zip(left, right, overlaps, shares, strict=True):
        if share >= IGNORED_SHARE:
            message = f"{codes[one]} and {codes[other]} overlap by {overlap:,.0f} m² ({share:.1%} of the smaller)"
            # Special grids may lie in each other (a school in a park): the smallest wins.
            grade = Grade.NOTE if layer is Layer.SPECIAL else _grade(float(share))
            yield Finding("overlap", grade, codes[one], message, "positions there go to the grid with the lower code")


def _overhang_findings(
    parent: str, codes: Sequence[str], flat: Mapping[str, BaseGeometry], geometries: Mapping[str, BaseGeometry]
) -> Iterator[Finding]:
    for code in codes:
        outside = shapely.difference(flat[code], flat[parent]).area
        share = outside / flat[code].area
        if share >= IGNORED_SHARE:
            message = f"{outside:,.0f} m² of {code} ({share:.1%}) lie outside its parent {parent}"
            moved = _fits_if_moved_back(geometries[code], geometries[parent])
            yield Finding("outside_parent", _grade(share), code, message, _GCJ02_REMEDY if moved else "")


def _gap_findings(parent: str, codes: Sequence[str], flat: Mapping[str, BaseGeometry]) -> Iterator[Finding]:
    whole = flat[parent]
    covered = shapely.union_all([flat[code] for code in codes])
    gap = shapely.difference(whole, covered).area
    share = gap / whole.area
    if share >= IGNORED_SHARE:
        message = f"{gap:,.0f} m² of {parent} ({share:.1%}) are covered by none of its {len(codes)} grids"
        yield Finding("gap", _grade(share), parent, message, f"positions there go to {parent} itself")


def _shift_findings(file: GridFile, previous: Mapping[str, BaseGeometry]) -> Iterator[Finding]:
    """A file drawn on a public map is shifted against the version before, everywhere by the offset of GCJ-02."""
    common = [code for code in file.geometries if code in previous]
    shifted = [code for code in common if _is_shifted(file.geometries[code], previous[code])]
    if common and len(shifted) * 2 > len(common):
        message = f"{len(shifted)} of {len(common)} grids moved just as GCJ-02 moves them against the version in force"
        yield Finding("shifted_like_gcj02", Grade.WARNING, file.name, message, _GCJ02_REMEDY)


def _is_shifted(now: BaseGeometry, before: BaseGeometry) -> bool:
    old, new = before.centroid, now.centroid
    to_map = to_gcj02(old.x, old.y)
    stayed, moved = _metres((new.x, new.y), (old.x, old.y)), _metres((new.x, new.y), to_map)
    return moved < _GCJ02_TOLERANCE_M < stayed


def _fits_if_moved_back(child: BaseGeometry, parent: BaseGeometry) -> bool:
    centre = child.centroid
    there = to_gcj02(centre.x, centre.y)
    back = shapely.transform(child, lambda xy: xy - np.array([there[0] - centre.x, there[1] - centre.y]))
    outside = [shapely.difference(area, parent).area / area.area for area in (child, back)]
    return bool(outside[1] < TOLERATED_SHARE <= outside[0])


def _flattened(geometries: Mapping[str, BaseGeometry]) -> dict[str, BaseGeometry]:
    """The areas in metres on a plane around their middle. Over a city's 100 km areas err by 1 %, shares far less."""
    west, south, _, north = shapely.total_bounds(np.array(list(geometries.values()), dtype=object))
    metres = math.radians(1.0) * EARTH_RADIUS_M
    scale = np.array([metres * math.cos(math.radians((south + north) / 2)), metres])
    origin = np.array([west, south])
    to_plane: Callable[[np.ndarray], np.ndarray] = lambda xy: (xy - origin) * scale  # noqa: E731
    return {code: shapely.transform(area, to_plane) for code, area in geometries.items()}


def _metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    metres = math.radians(1.0) * EARTH_RADIUS_M
    return math.hypot((a[0] - b[0]) * metres * math.cos(math.radians(a[1])), (a[1] - b[1]) * metres)


def _grade(share: float) -> Grade:
    return Grade.WARNING if share > TOLERATED_SHARE else Grade.NOTE


def _error(code: str, where: str, message: str) -> Finding:
    return Finding(code, Grade.ERROR, where, message)
