"""A mosaic from a flight: poses made to agree, colours evened out, blocks blended, files written, and put in place."""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from edge.flights.mosaic.agreeing import Agree, Agreed, as_stated, tied
from edge.flights.mosaic.blending import Blender
from edge.flights.mosaic.errors import MosaicError
from edge.flights.mosaic.framing import Framed, Heights, framed, outline_of
from edge.flights.mosaic.gains import even_gains
from edge.flights.mosaic.grid import Block, Grid, GridPlaces, grid_over
from edge.flights.mosaic.manifest import (
    GEOTIFF,
    NAME,
    PMTILES,
    LeftOut,
    MosaicManifest,
    TileFacts,
    facts_of,
    software,
)
from edge.flights.mosaic.pictures import Pictures
from edge.flights.mosaic.pyramid import Words, write_pmtiles
from edge.flights.mosaic.rasters import Canvas, write_geotiff
from edge.flights.mosaic.settings import MosaicSettings
from edge.flights.placed import Placed
from edge.flights.shots import NoProgress, Progress

FINEST_GSD_M = 0.05
"""Where nothing else is asked: what is built is seen, faces are not."""
_CANVAS_BYTES, _FINISHED_BYTES = 4.0, 1.0
"""A pixel: while it is made, and of what is left, generously."""
_OUTLINE_STEP_M = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """What is known before the first pixel is."""

    frames: tuple[Framed, ...]
    agreed: Agreed
    outline: BaseGeometry
    grid: Grid
    places: GridPlaces
    left: tuple[LeftOut, ...]


def make_mosaic(
    placed: Placed,
    out: Path,
    settings: MosaicSettings | None = None,
    progress: Progress | None = None,
    *,
    agree: Agree | None = None,
    ground: Heights | None = None,
    overwrite: bool = False,
) -> MosaicManifest:
    """Writes `mosaic.tif`, `mosaic.pmtiles` and `mosaic.json` into a folder, all of them or none.

    `agree` makes the poses agree (None: neighbours are tied to each other). `ground` gives heights, in the datum of the
    poses (None: the flight's own). Memory holds `settings.memory_mb` of pictures and one block, however long the
    flight is; the disk, while it is made, four bytes a pixel more than in the end.

    Raises:
        MosaicError: no picture can be used, the mosaic would be too large, there is one already, or it cannot be
            written.
    """
    settings, progress = settings or MosaicSettings(), progress or NoProgress()
    if not overwrite:
        _check_free(out)
    agree = agree or (tied if settings.agree else as_stated)
    plan = _planned(placed, settings, agree, progress)
    surface = ground or placed.ground
    try:
        out.mkdir(parents=True, exist_ok=True)
        _check_room(out, plan)
        work = Path(tempfile.mkdtemp(prefix=".mosaic-", dir=out))
    except OSError as error:
        raise MosaicError(f"{out}: cannot be written: {error.strerror or error}") from error
    try:
        manifest = _made(placed, plan, surface, work, settings, progress)
        if not overwrite:  # an hour may have passed
            _check_free(out)
        _put_in_place(work, out, manifest)
    except OSError as error:
        raise MosaicError(f"{out}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return manifest


def _planned(placed: Placed, settings: MosaicSettings, agree: Agree, progress: Progress) -> _Plan:
    flight = placed.flight
    if not flight.frames:
        raise MosaicError(f"{flight.id}: no picture of it can be used; `gridsentry-edge flight` says why")
    agreed = agree(placed, progress)
    frames, left = framed(flight.frames, agreed.poses, placed.ground, flight.plane)
    if not frames:
        raise MosaicError(f"{flight.id}: no picture of it shows ground; the first, {left[0][0]}: {left[0][1]}")
    gsd = settings.gsd_m or default_gsd_m(frames)
    outline = outline_of(frames)
    grid = grid_over(outline, flight.plane, gsd)
    said = tuple(LeftOut(frame=name, why=why) for name, why in left)
    return _Plan(tuple(frames), agreed, outline, grid, GridPlaces(grid, flight.plane), said)


def default_gsd_m(frames: Sequence[Framed]) -> float:
    """The middle of what the pictures have, in whole centimetres, and no finer than 5."""
    middle = float(np.median([each.gsd_m for each in frames]))
    return max(math.ceil(middle * 100 - 1e-6) / 100, FINEST_GSD_M)


def _check_free(out: Path) -> None:
    there = [name for name in (NAME, GEOTIFF, PMTILES) if (out / name).exists()]
    if there:
        raise MosaicError(f"{out}: holds {there[0]} already: give another folder, or say that it may be overwritten")


def _check_room(out: Path, plan: _Plan) -> None:
    pixels = plan.outline.area / plan.grid.gsd_m**2
    needed = pixels * (_CANVAS_BYTES + _FINISHED_BYTES)
    free = shutil.disk_usage(out).free
    if free < needed:
        raise MosaicError(
            f"{out}: found {free / 1e9:.1f} GB free, expected {needed / 1e9:.1f} GB, most of it only while the mosaic "
            "is made: make room, or give a larger gsd_m"
        )


def _made(
    placed: Placed, plan: _Plan, ground: Heights, work: Path, settings: MosaicSettings, progress: Progress
) -> MosaicManifest:
    flight = placed.flight
    pictures = Pictures(plan.grid.gsd_m, settings.memory_mb * 2**20)
    gains = even_gains(plan.frames, pictures, ground, progress)
    blender = Blender(plan.frames, gains.factors, plan.places, ground, settings.feather_m)
    taken = [frame.taken_at for frame in flight.frames if frame.taken_at is not None]
    day = f" {max(taken).date().isoformat()}" if taken else ""
    attribution = settings.attribution or f"{flight.id}{day}"
    with Canvas(work / "canvas.tif", plan.grid) as canvas:
        used = _blend(canvas, blender, pictures, progress)
        if not canvas.pixels:
            why = next(iter(pictures.broken.values()), "the ground's height is unknown where they look")
            raise MosaicError(f"{flight.id}: not one picture could be placed; the first: {why}")
        words = Words(flight.id, f"{plan.grid.gsd_m:g} m a pixel, {len(used)} pictures", attribution)
        tiles = write_pmtiles(work / PMTILES, plan.grid, canvas.read, words, settings.webp_quality, progress)
    write_geotiff(canvas.path, canvas.pixels, work / GEOTIFF, settings.jpeg_quality, progress)
    canvas.path.unlink()
    return MosaicManifest(
        flight=flight.id,
        began_at=min(taken, default=None),
        taken_at=max(taken, default=None),
        epsg=plan.grid.epsg,
        gsd_m=plan.grid.gsd_m,
        columns=plan.grid.columns,
        rows=plan.grid.rows,
        outline=_degrees(plan),
        area_m2=round(canvas.pixels * plan.grid.gsd_m**2, 1),
        pictures=len(used),
        left_out=(*plan.left, *_broken(plan, pictures)),
        disagreement_m=(round(plan.agreed.before_m, 3), round(plan.agreed.after_m, 3)),
        ties=plan.agreed.ties,
        colour_steps=(round(gains.before, 4), round(gains.after, 4)),
        geotiff=facts_of(work / GEOTIFF),
        pmtiles=facts_of(work / PMTILES),
        tiles=TileFacts(least_zoom=tiles.least_zoom, most_zoom=tiles.most_zoom, bounds=tiles.bounds, tiles=tiles.tiles),
        attribution=attribution,
        software=software(),
    )


def _blend(canvas: Canvas, blender: Blender, pictures: Pictures, progress: Progress) -> set[int]:
    """Frames that can be seen."""
    blocks: list[Block] = [block for block in canvas.grid.blocks() if blender.frames_over(block)]
    progress.begins("mosaic", len(blocks))
    used: set[int] = set()
    for block in blocks:
        progress.advances()
        blended = blender.block(block, pictures)
        if blended is not None:
            canvas.write(block, blended.bgra)
            used.update(blended.used)
    return used


def _broken(plan: _Plan, pictures: Pictures) -> tuple[LeftOut, ...]:
    return tuple(
        LeftOut(frame=each.frame.name, why=pictures.broken[each.frame.index])
        for each in plan.frames
        if each.frame.index in pictures.broken
    )


def _degrees(plan: _Plan) -> dict[str, Any]:
    """GeoJSON of what is shown, without corners that nobody would miss."""
    simple = shapely.simplify(plan.outline, _OUTLINE_STEP_M)
    degrees = shapely.transform(simple, plan.places.plane.degrees)
    found: dict[str, Any] = json.loads(shapely.to_geojson(shapely.set_precision(degrees, 1e-7)))
    return found


def _put_in_place(work: Path, out: Path, manifest: MosaicManifest) -> None:
    """The manifest last: a folder that has one has the rest. An older one goes first."""
    (work / NAME).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    for name in (GEOTIFF, PMTILES, NAME):
        _settle(work / name)
    (out / NAME).unlink(missing_ok=True)
    for name in (GEOTIFF, PMTILES, NAME):
        (work / name).replace(out / name)
    _settle(out)


def _settle(path: Path) -> None:
    """On the disk, not only on its way there: a disk that is full may say so only now."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
